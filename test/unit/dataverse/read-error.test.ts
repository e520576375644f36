import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyFault, mayHaveCommitted, type FaultClass } from '../../../src/dataverse/error-table.ts';
import { normaliseCode, readFault } from '../../../src/dataverse/read-error.ts';

describe('classifyFault', () => {
  const byCode: readonly (readonly [FaultClass, number, readonly string[]])[] = [
    ['throttled', 429, ['0x80072322', '0x80072321', '0x80072326', '0x80072324', '0x8005f103', '0x80048544']],
    ['duplicate', 412, ['0x80040237', '0x80060892']],
    ['row', 412, ['0x80040333', '0x80073002', '0x80060882']],
    ['absent', 404, ['0x80040217']],
    ['row', 404, ['0x80060891', '0x80060888', '0x8006088a']],
    ['row', 403, ['0x80048306', '0x80048405']],
    ['run', 403, ['0x80040220', '0x80040231', '0x80040299', '0x80042f09', '0x80072560', '0x8004a112', '0x8004a110']],
    ['token', 401, ['0x8004a100', '0x8004a101', '0x8004a102']],
    ['row', 400, ['0x8006089d', '0x80060883', '0x8006088d', '0x80044331', '0x8004432f', '0x80044330', '0x80061004']],
    ['row', 400, ['0x8004431a', '0x80061005', '0x8004431c', '0x80048408', '0x80040200', '0x80040239', '0x80040278']],
    ['row', 400, ['0x80048d19', '0x80040203', '0x80041103', '0x8004023b', '0x80040265', '0x80041136']],
    ['row', 405, ['0x80040227']],
    ['run', 400, ['0x80060890', '0x80072491', '0x80044352']],
    ['unsupported', 501, ['0x80040219', '0x80040315', '0x80044180']],
    ['busy', 400, ['0x80040255', '0x80040251', '0x80071154', '0x80048105', '0x80040224', '0x80040216']],
    ['busy', 500, ['0x8004418d', '0x80081116', '0x80040216', '0x80040224']],
    ['tooLarge', 400, ['0x80044151', '0x80044171', '0x80044172', '0x80044173', '0x80081111', '0x8004418a']],
  ];
  it.each(byCode.flatMap(([expected, status, codes]) => codes.map((code) => [code, status, expected] as const)))(
    'takes %s with %i for %s',
    (code, httpStatus, expected) => {
      expect(classifyFault({ httpStatus, code, message: 'x' })).toBe(expected);
    },
  );

  it.each([
    [302, 'run'],
    [400, 'row'],
    [401, 'token'],
    [403, 'run'],
    [404, 'absent'],
    [405, 'unsupported'],
    [408, 'transient'],
    [409, 'duplicate'],
    [412, 'duplicate'],
    [413, 'tooLarge'],
    [429, 'throttled'],
    [500, 'transient'],
    [501, 'unsupported'],
    [502, 'transient'],
    [503, 'transient'],
    [504, 'transient'],
    [520, 'transient'],
  ] as const)('takes a bare %i for %s', (httpStatus, expected) => {
    expect(classifyFault({ httpStatus, message: '' })).toBe(expected);
  });

  it.each([
    ['Generic SQL error. Sql ErrorCode: -2146232060 Sql Number: 1205', 'busy'],
    ['Generic SQL error. Sql Number: 2812', 'busy'],
    ['Generic SQL error. Sql Number: 2627', 'row'],
    ['Generic SQL error. Sql Number: 547', 'row'],
    ['Generic SQL error. Sql Number: -2', 'tooLarge'],
    ['Generic SQL error.', 'busy'],
  ])('tells SQL errors apart by their number: %s', (message, expected) => {
    expect(classifyFault({ httpStatus: 400, code: '0x80044150', message })).toBe(expected);
  });

  it.each([
    "Invalid property 'fan_x' was found in entity 'Microsoft.Dynamics.CRM.fan_city'.",
    "Could not find a property named 'fan_x' on type 'Microsoft.Dynamics.CRM.fan_city'.",
    "Error identified in Payload provided by the user for Entity :'fan_cities' ... undeclared property 'fan_x' ...",
  ])('takes an unknown column for a fault of the run: %s', (message) => {
    expect(classifyFault({ httpStatus: 400, code: undefined, message })).toBe('run');
    expect(classifyFault({ httpStatus: 400, code: '0x80048d19', message })).toBe('run');
  });

  it.each(['0x80040265', '0x80044331', '0x80040203', '0x80041103'])(
    'lets no text of a plug-in or a value end the run (%s)',
    (code) => {
      const message = "A plug-in says: Invalid property 'x', undeclared property, Could not find a property named 'x'.";
      expect(classifyFault({ httpStatus: 400, code, message })).toBe('row');
    },
  );

  it.each([
    [429, '0x80048105', 'throttled'],
    [429, '0x80040abc', 'throttled'],
    [429, '0x80040265', 'row'],
    [429, '0x80044331', 'row'],
  ] as const)('takes %i with %s for %s', (httpStatus, code, expected) => {
    expect(classifyFault({ httpStatus, code, message: '' })).toBe(expected);
  });

  it('never takes a throttle inside another status for anything else', () => {
    expect(classifyFault({ httpStatus: 503, code: '0x80072321', message: '' })).toBe('throttled');
  });
});

describe('readFault', () => {
  it('reads the Web API’s error object', () => {
    const body = '{"error":{"code":"0x80040237","message":"A record with matching key values already exists."}}';
    expect(readFault({ httpStatus: 412, body, serviceRequestId: 'r-1' })).toEqual({
      class: 'duplicate',
      httpStatus: 412,
      code: '0x80040237',
      message: 'A record with matching key values already exists.',
      serviceRequestId: 'r-1',
    });
  });

  it('reads the older shape with a decimal code', () => {
    const body = '{"Message":"Too many","ExceptionType":"X","StackTrace":null,"ErrorCode":-2147015902}';
    expect(readFault({ httpStatus: 429, body })).toEqual({
      class: 'throttled',
      httpStatus: 429,
      code: '0x80072322',
      message: 'Too many',
      facet: 'requests',
    });
  });

  it('reads which rows of an elastic bulk message failed', () => {
    const details = '[{"RequestIndex":1,"Id":"a","StatusCode":409},{"RequestIndex":4,"Id":"b","StatusCode":429}]';
    const error = {
      code: '0x80040216',
      message: 'x',
      '@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails': details,
    };
    expect(readFault({ httpStatus: 400, body: JSON.stringify({ error }) }).items).toEqual([
      { index: 1, httpStatus: 409 },
      { index: 4, httpStatus: 429 },
    ]);
  });

  it.each([
    'not json',
    '[{"RequestIndex":"1","StatusCode":409}]',
    '{"RequestIndex":1}',
    '[null]',
    '[{"RequestIndex":-1,"StatusCode":409}]',
    '[{"RequestIndex":0,"StatusCode":409},{"RequestIndex":0,"StatusCode":200}]',
    '[]',
  ])('trusts no row details that it cannot read in full: %s', (details) => {
    const error = {
      code: '',
      message: 'x',
      '@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails': details,
    };
    expect(readFault({ httpStatus: 400, body: JSON.stringify({ error }) }).items).toBeUndefined();
  });

  it('keeps the first 2 KB of a gateway’s page', () => {
    const fault = readFault({ httpStatus: 502, body: `<html>${'ü'.repeat(5_000)}</html>` });
    expect(fault.class).toBe('transient');
    expect(fault.code).toBeUndefined();
    expect(Buffer.byteLength(fault.message)).toBeLessThanOrEqual(2_048);
    expect(fault.message).toMatch(/^<html>ü+$/);
  });

  it.each([404, 405, 409, 410, 412, 501])('takes no word about a row from a gateway that says %i', (httpStatus) => {
    for (const body of ['', '<html>Not found</html>', '{"title":"problem"}']) {
      expect(readFault({ httpStatus, body }).class).toBe('transient');
    }
    expect(readFault({ httpStatus, body: '{"error":{"code":"","message":""}}' }).class).not.toBe('transient');
  });

  it.each([400, 403])('takes an empty %i for no decision where nothing says that it is whole', (httpStatus) => {
    expect(readFault({ httpStatus, body: '', mayBeCut: true }).class).toBe('transient');
    expect(readFault({ httpStatus, body: '<p>', mayBeCut: true }).class).not.toBe('transient');
    expect(readFault({ httpStatus, body: '' }).class).not.toBe('transient');
  });

  it('takes half an error object for no error', () => {
    const body = '{"error":{"code":"0x80044150","message":"Generic SQL error. Sql Number: 1205"}}';
    for (let length = 1; length < body.length; length += 1) {
      expect(readFault({ httpStatus: 400, body: body.slice(0, length) }).class).toBe('transient');
    }
    expect(readFault({ httpStatus: 401, body: '{' }).class).toBe('token');
    expect(readFault({ httpStatus: 429, body: '{' }).class).toBe('throttled');
  });

  it('says so when there is no explanation', () => {
    expect(readFault({ httpStatus: 503, body: '' }).message).toBe('HTTP 503 without an explanation');
  });

  it('gives a class to any body without throwing', () => {
    const json = fc.oneof(
      fc.json(),
      fc.string(),
      fc.json().map((error) => `{"error":${error}}`),
    );
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), json, (httpStatus, body) => {
        const fault = readFault({ httpStatus, body });
        expect(fault.message).not.toBe('');
        expect(fault.code ?? '0x00000001').toMatch(/^0x[0-9a-f]{8}$/);
      }),
    );
  });
});

describe('normaliseCode', () => {
  it.each([
    ['0x8006088A', '0x8006088a'],
    [-2147220937, '0x80040237'],
    ['-2147220937', '0x80040237'],
    [2147746359, '0x80040237'],
    ['', undefined],
    ['0x0', undefined],
    [0, undefined],
    ['0x800402371', undefined],
    [1.5, undefined],
    [null, undefined],
    [{}, undefined],
  ])('reads %j as %j', (code, expected) => {
    expect(normaliseCode(code)).toBe(expected);
  });
});

describe('mayHaveCommitted', () => {
  it.each([
    [503, true],
    [408, true],
    [500, true],
    [400, false],
    [413, false],
  ])('of %i is %s', (httpStatus, expected) => {
    expect(mayHaveCommitted(readFault({ httpStatus, body: '' }))).toBe(expected);
  });
});
