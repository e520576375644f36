import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, type Answer } from '../../support/web-api-client.ts';

const unique = (): string => randomUUID().slice(0, 8);
const crlf = (lines: readonly string[]): string => lines.join('\r\n');
const partHead = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary'];

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentId?: number;
  readonly headers?: readonly string[];
}

contract('$batch', (api) => {
  const operation = ({ method, path, body, contentId, headers = [] }: Operation): string[] => [
    ...partHead,
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]),
    '',
    `${method} ${path.startsWith('$') || path.startsWith('http') ? path : `/api/data/v9.2/${path}`} HTTP/1.1`,
    ...(body === undefined ? [] : ['Content-Type: application/json; type=entry']),
    ...headers,
    '',
    body === undefined ? '' : JSON.stringify(body),
  ];
  const changeSet = (operations: readonly Operation[]): string[] => [
    'Content-Type: multipart/mixed; boundary="changeset_7"',
    '',
    ...operations.flatMap((item) => ['--changeset_7', ...operation(item)]),
    '--changeset_7--',
    '',
  ];
  const batchText = (parts: readonly string[][]): string =>
    crlf([...parts.flatMap((part) => ['--batch_11', ...part]), '--batch_11--', '']);
  const sendText = (text: string, headers: Record<string, string> = {}): Promise<Answer> =>
    api.post('$batch', text, { 'content-type': 'multipart/mixed; boundary=batch_11', ...headers });
  const send = (parts: readonly string[][], headers?: Record<string, string>): Promise<Answer> =>
    sendText(batchText(parts), headers);
  const statuses = (answer: Answer): number[] =>
    [...answer.text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => Number(match[1]));
  const create = (code: string): Operation => ({
    method: 'POST',
    path: 'suite_cities',
    body: { suite_name: 'A', suite_code: code },
  });
  const bad: Operation = { method: 'POST', path: 'suite_cities', body: { suite_name: 'x'.repeat(21) } };
  const exists = async (code: string): Promise<boolean> =>
    (await api.get(`suite_cities(suite_code='${code}')`)).status === 200;

  describe('in order', () => {
    it('runs operations in order, so that a later one sees an earlier one', async () => {
      const code = unique();
      const key = `suite_cities(suite_code='${code}')`;
      const answer = await send([
        operation(create(code)),
        operation({ method: 'PATCH', path: key, body: { suite_number: 4 } }),
        operation({ method: 'GET', path: `${key}?$select=suite_number` }),
        operation({ method: 'DELETE', path: key }),
      ]);
      expect(answer.status).toBe(200);
      expect(statuses(answer)).toEqual([204, 204, 200, 204]);
      expect(answer.text).toContain('"suite_number":4');
      expect(answer.text).toContain('Content-Type: application/json; odata.metadata=minimal; odata.streaming=true');
      expect(answer.headers.get('content-type')).toMatch(/^multipart\/mixed; boundary=batchresponse_[0-9a-f-]{36}$/);
    });

    it('stops at the first failure and takes its status, and keeps what went before', async () => {
      const [before, after] = [unique(), unique()];
      const answer = await send([operation(create(before)), operation(bad), operation(create(after))]);
      expect([answer.status, ...statuses(answer)]).toEqual([400, 204, 400]);
      expect([await exists(before), await exists(after)]).toEqual([true, false]);
    });

    it('goes on after failures when asked to, and answers 200', async () => {
      const code = unique();
      const answer = await send([operation(bad), operation(create(code))], { prefer: 'odata.continue-on-error' });
      expect([answer.status, ...statuses(answer)]).toEqual([200, 400, 204]);
      expect(answer.text).toContain('"code":"0x80044331"');
      expect(await exists(code)).toBe(true);
    });

    it('takes full URLs and conditions of the inner request', async () => {
      const answer = await send([
        operation({
          method: 'PATCH',
          path: `${api.root}/suite_cities(${randomUUID()})`,
          body: { suite_name: 'A' },
          headers: ['If-Match: *'],
        }),
      ]);
      expect(statuses(answer)).toEqual([404]);
    });

    it('is refused with line feeds alone, without final line break, and without its end', async () => {
      const text = batchText([operation(create(unique()))]);
      for (const broken of [text.replaceAll('\r\n', '\n'), text.slice(0, -2), text.replace('--batch_11--\r\n', '')]) {
        const answer = await sendText(broken);
        expect(errorOf(answer)).toEqual({ status: 400, code: '0x80048d19' });
      }
    });

    it('is refused above 1,000 operations, and inside a batch', async () => {
      const read = operation({ method: 'GET', path: 'WhoAmI' });
      expect((await send(Array.from({ length: 1001 }, () => read))).status).toBe(400);
      expect((await send(Array.from({ length: 1000 }, () => read))).status).toBe(200);
      const set = changeSet([create(unique())]);
      expect((await send([...Array.from({ length: 1000 }, () => read), set])).status).toBe(400);
      expect((await send([operation({ method: 'POST', path: '$batch', body: {} })])).status).toBe(400);
    });

    it('allows URLs of 64 KB to its operations', async () => {
      const long = (length: number) => operation({ method: 'GET', path: `WhoAmI?x=${'y'.repeat(length)}` });
      expect(statuses(await send([long(65_000)]))).toEqual([200]);
      expect(statuses(await send([long(66_000)]))).toEqual([414]);
    });

    it('takes its boundary quoted or not, and the headers of a part in any order and case', async () => {
      const code = unique();
      const text = batchText([operation(create(code))])
        .replace('Content-Type: application/http\r\nContent-Transfer-Encoding: binary', 'content-transfer-encoding: binary\r\nCONTENT-TYPE: application/http'); // prettier-ignore
      const answer = await sendText(text, { 'content-type': 'multipart/mixed;boundary="batch_11"' });
      expect(statuses(answer)).toEqual([204]);
      expect(await exists(code)).toBe(true);
    });

    it('carries annotations of the errors of its parts when they are asked for', async () => {
      const answer = await send([operation(bad)], {
        prefer: 'odata.continue-on-error,odata.include-annotations="*"',
      });
      expect(answer.text).toContain('@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus');
    });

    it('separates parts by the blank lines of the recorded form', async () => {
      const answer = await send([operation(create(unique()))]);
      const boundary = /boundary=(.*)$/.exec(answer.headers.get('content-type') ?? '')?.[1] ?? '';
      expect(answer.text.startsWith(`--${boundary}\r\nContent-Type: application/http\r\n`)).toBe(true);
      expect(answer.text).toContain('OData-Version: 4.0\r\n\r\n\r\n--');
      expect(answer.text.endsWith(`--${boundary}--\r\n`)).toBe(true);
    });
  });

  describe('change set', () => {
    it('is all or nothing, with one error part that carries the Content-ID of the culprit', async () => {
      const code = unique();
      const set = changeSet([
        { ...create(code), contentId: 1 },
        { ...bad, contentId: 2 },
      ]);
      const answer = await send([set], { prefer: 'odata.continue-on-error' });
      expect([answer.status, ...statuses(answer)]).toEqual([200, 400]);
      expect(answer.text).toContain('Content-ID: 2');
      expect(await exists(code)).toBe(false);
    });

    it('replaces $n in bodies and URLs by the row of that operation', async () => {
      const name = unique();
      const set = changeSet([
        { method: 'POST', path: 'accounts', body: { name }, contentId: 1 },
        {
          method: 'POST',
          path: 'contacts',
          body: { lastname: name, 'parentcustomerid_account@odata.bind': '$1' },
          contentId: 2,
        },
        { method: 'PUT', path: '$1/accountnumber', body: { value: '77' }, contentId: 3 },
      ]);
      const answer = await send([set]);
      expect(statuses(answer)).toEqual([204, 204, 204]);
      const contacts = await api.get(
        `contacts?$filter=lastname eq '${name}'&$expand=parentcustomerid_account($select=name,accountnumber)`,
      );
      expect(contacts.json.value[0].parentcustomerid_account).toMatchObject({ name, accountnumber: '77' });
    });

    it('is not atomic on an elastic table', async () => {
      const id = randomUUID();
      const reading: Operation = {
        method: 'POST',
        path: 'suite_readings',
        body: { suite_readingid: id },
        contentId: 1,
      };
      const answer = await send([changeSet([reading, { ...reading, contentId: 2 }])]);
      expect(statuses(answer)).toEqual([412]);
      expect((await api.get(`suite_readings(${id})`)).status).toBe(200);
    });

    it('refuses references to operations that have not run, and reads', async () => {
      const forward = changeSet([
        {
          method: 'POST',
          path: 'contacts',
          body: { lastname: 'X', 'parentcustomerid_account@odata.bind': '$2' },
          contentId: 1,
        },
        { method: 'POST', path: 'accounts', body: { name: 'X' }, contentId: 2 },
      ]);
      const answer = await send([forward]);
      expect(answer.text).toContain("Content-ID Reference: '$2' does not exist in the batch context.");
      expect((await send([changeSet([{ method: 'GET', path: 'accounts', contentId: 1 }])])).status).toBe(400);
    });
  });
});
