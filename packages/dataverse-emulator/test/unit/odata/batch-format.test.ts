import { describe, expect, it } from 'vitest';
import { ODataError } from '../../../src/errors.ts';
import { boundaryOf, formatBatch, parseBatch } from '../../../src/odata/batch-format.ts';

const type = 'multipart/mixed; boundary="b"';
const text = (...lines: string[]): string => lines.join('\r\n');

describe('parseBatch', () => {
  it('reads method, URL, headers and body of an operation, whatever the order of part headers', () => {
    const body = text(
      '--b',
      'Content-Transfer-Encoding: binary',
      'content-type: application/http',
      'Content-ID: 9',
      '',
      'POST /api/data/v9.2/tasks HTTP/1.1',
      'If-Match: *',
      '',
      '{"a":"--b inside"}',
      '--b--',
      '',
    );
    expect(parseBatch(body, type)).toEqual([
      {
        kind: 'operation',
        operation: {
          method: 'POST',
          url: '/api/data/v9.2/tasks',
          headers: { 'if-match': '*' },
          body: '{"a":"--b inside"}',
          contentId: '9',
        },
      },
    ]);
  });

  it('reads requests without headers and body', () => {
    const body = text(
      '--b',
      'Content-Type: application/http',
      '',
      'GET /x HTTP/1.1',
      '',
      '',
      '--b',
      'Content-Type: application/http',
      '',
      'DELETE /y HTTP/1.1',
      '',
      '--b--',
      '',
    );
    expect(parseBatch(body, type)).toMatchObject([
      { operation: { method: 'GET', body: '' } },
      { operation: { method: 'DELETE', body: '' } },
    ]);
  });

  it('tells boundaries apart of which one begins with the other, and takes blanks behind them', () => {
    const body = text(
      'preamble',
      '--b  ',
      'Content-Type: multipart/mixed; boundary=bc',
      '',
      '--bc',
      'Content-Type: application/http',
      'Content-ID: 1',
      '',
      'DELETE /x HTTP/1.1',
      '',
      '--bc--',
      '',
      '--b--',
      'epilogue',
    );
    expect(parseBatch(body, type)).toMatchObject([{ kind: 'changeSet', operations: [{ url: '/x', contentId: '1' }] }]);
  });

  it.each([
    ['no end', text('--b', 'Content-Type: application/http', '', 'GET /x HTTP/1.1', '', '')],
    ['no line break at the end', text('--b', 'Content-Type: application/http', '', 'GET /x HTTP/1.1', '', '--b--')],
    ['another part type', text('--b', 'Content-Type: text/plain', '', 'x', '--b--', '')],
    ['a broken request line', text('--b', 'Content-Type: application/http', '', 'x', '--b--', '')],
    ['a preamble without boundary', 'nothing'],
    [
      'a line feed alone behind a boundary',
      text('--b\nContent-Type: application/http', '', 'GET /x HTTP/1.1', '', '--b--', ''),
    ],
  ])('refuses a body with %s', (_, body) => {
    expect(() => parseBatch(body, type)).toThrow(ODataError);
  });

  it('needs a boundary', () => {
    expect(boundaryOf('multipart/mixed;boundary=x-1')).toBe('x-1');
    expect(() => boundaryOf('application/json')).toThrow(ODataError);
  });
});

describe('formatBatch', () => {
  it('writes the recorded form byte by byte', () => {
    let next = 0;
    const { body, contentType } = formatBatch(
      [
        { kind: 'operation', response: { status: 204, headers: { Location: 'L' }, body: '' } },
        { kind: 'changeSet', responses: [{ contentId: '1', response: { status: 400, headers: {}, body: '{}' } }] },
      ],
      () => String((next += 1)),
    );
    expect(contentType).toBe('multipart/mixed; boundary=batchresponse_1');
    expect(body).toBe(
      text(
        '--batchresponse_1', 'Content-Type: application/http', 'Content-Transfer-Encoding: binary', '', 'HTTP/1.1 204 No Content', 'Location: L', 'OData-Version: 4.0', '', '',
        '--batchresponse_1', 'Content-Type: multipart/mixed; boundary=changesetresponse_2', '',
        '--changesetresponse_2', 'Content-Type: application/http', 'Content-Transfer-Encoding: binary', 'Content-ID: 1', '', 'HTTP/1.1 400 Bad Request', 'OData-Version: 4.0', '', '{}',
        '--changesetresponse_2--', '--batchresponse_1--', '',
      ),
    ); // prettier-ignore
  });
});
