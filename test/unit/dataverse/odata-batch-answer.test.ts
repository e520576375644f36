import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedAnswerError } from '../../../src/dataverse/errors.ts';
import { parseBatchAnswer } from '../../../src/dataverse/odata-batch-answer.ts';

const contentType = 'multipart/mixed; boundary=batchresponse_c1bd45c1';

const success = (id: string) =>
  `--batchresponse_c1bd45c1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 204 No Content
OData-Version: 4.0
Location: https://contoso.crm.dynamics.com/api/data/v9.2/tasks(${id})
OData-EntityId: https://contoso.crm.dynamics.com/api/data/v9.2/tasks(${id})


`;
const failure = `--batchresponse_c1bd45c1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 400 Bad Request
REQ_ID: 5ecd1cb3
Content-Type: application/json; odata.metadata=minimal

{"error":{"code":"0x80044331","message":"too long"}}
`;
const end = '--batchresponse_c1bd45c1--\n';
const crlf = (text: string) => text.replaceAll('\n', '\r\n');
const whole = crlf(success('a') + failure + success('b') + end);

const parse = (body: string, count = 3, type: string | undefined = contentType) =>
  parseBatchAnswer({ status: 200, contentType: type, body }, count);

describe('parseBatchAnswer', () => {
  it('brings the parts in order with status, headers and body', () => {
    const parts = parse(whole);
    expect(parts.map(({ status }) => status)).toEqual([204, 400, 204]);
    expect(parts[0]?.headers.get('odata-entityid')).toBe('https://contoso.crm.dynamics.com/api/data/v9.2/tasks(a)');
    expect(parts[1]?.headers.get('req_id')).toBe('5ecd1cb3');
    expect(parts[1]?.body).toBe('{"error":{"code":"0x80044331","message":"too long"}}');
    expect(parts[2]?.body).toBe('');
  });

  it.each([
    ['LF alone', whole.replaceAll('\r\n', '\n'), contentType],
    ['no break at the end', whole.trimEnd(), contentType],
    ['a quoted boundary', whole, 'multipart/mixed; boundary="batchresponse_c1bd45c1"'],
    ['more parameters', whole, 'Multipart/Mixed; charset=utf-8; Boundary=batchresponse_c1bd45c1'],
    [
      'parts without empty lines behind their headers',
      crlf((success('a') + failure + success('b') + end).replaceAll('\n\n\n', '\n')),
      contentType,
    ],
    ['white space behind a boundary', whole.replaceAll('c1bd45c1\r\n', 'c1bd45c1 \t\r\n'), contentType],
    ['an unknown reason', whole.replace('400 Bad Request', '429 Unknown Status Code'), contentType],
    ['no reason', whole.replace('204 No Content', '204'), contentType],
  ])('tolerates %s', (_, body, type) => {
    expect(parse(body, 3, type)).toHaveLength(3);
  });

  it.each([
    ['a missing part', crlf(success('a') + failure + end)],
    ['a part too many', crlf(success('a') + failure + success('b') + success('c') + end)],
    ['no closing boundary', crlf(success('a') + failure + success('b'))],
    ['a boundary without a part', crlf(success('a') + '--batchresponse_c1bd45c1\n' + failure + end)],
    ['a boundary too many at the end', crlf(success('a') + failure + '--batchresponse_c1bd45c1\n' + end)],
    ['two ends', whole + crlf(end)],
    ['something behind the end', whole + crlf(success('c'))],
    ['something before the start', `HTTP/1.1 204 No Content\r\n\r\n${whole}`],
    ['a part that is no HTTP answer', whole.replace('application/http', 'multipart/mixed; boundary=x')],
    ['a part without status', whole.replace('HTTP/1.1 400 Bad Request', 'Bad Request')],
    ['another boundary', whole.replaceAll('c1bd45c1', 'ffffffff')],
    ['an empty body', ''],
    ['a gateway’s page', '<html>Bad gateway</html>'],
  ])('attributes nothing when there is %s', (_, body) => {
    expect(() => parse(body)).toThrow(MalformedAnswerError);
  });

  it.each([undefined, 'application/json', 'multipart/mixed', 'multipart/mixed; boundary='])(
    'attributes nothing without a boundary in the content type (%s)',
    (type) => {
      expect(() => parseBatchAnswer({ status: 200, contentType: type, body: whole }, 3)).toThrow(MalformedAnswerError);
    },
  );

  it('attributes nothing of an answer that was cut anywhere before its end', () => {
    const lastNeeded = whole.lastIndexOf('--');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lastNeeded }), (length) => {
        expect(() => parse(whole.slice(0, length))).toThrow(MalformedAnswerError);
      }),
    );
  });

  it('either brings every status in its place or nothing, whatever is done to whole lines', () => {
    const lines = whole.split('\r\n');
    const at = fc.nat({ max: lines.length - 1 });
    fc.assert(
      fc.property(at, at, fc.constantFrom('drop', 'double', 'swap'), (left, right, what) => {
        const changed = [...lines];
        if (what === 'drop') changed.splice(left, 1);
        if (what === 'double') changed.splice(left, 0, lines[left] ?? '');
        if (what === 'swap') [changed[left], changed[right]] = [lines[right] ?? '', lines[left] ?? ''];
        let statuses: number[] | undefined;
        try {
          statuses = parse(changed.join('\r\n')).map(({ status }) => status);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedAnswerError);
        }
        // Two status lines that change places are beyond any parser; ids and counts are checked by the caller.
        const statusesSwapped =
          what === 'swap' && [left, right].every((line) => lines[line]?.startsWith('HTTP/1.1') === true);
        if (!statusesSwapped) expect(statuses ?? [204, 400, 204]).toEqual([204, 400, 204]);
      }),
      { numRuns: 2_000 },
    );
  });
});
