import { describe, expect, it } from 'vitest';
import { headerValue, optionHeaders, optionQuery, parseDopHint } from '../../../src/dataverse/headers.ts';
import { noOptions } from './support.ts';

describe('optionHeaders', () => {
  it('sends nothing for a run without options', () => {
    expect(optionHeaders(noOptions)).toEqual({});
    expect(optionQuery(noOptions)).toBe('');
  });

  it('sends every option in the service’s own spelling', () => {
    expect(
      optionHeaders({
        bypassBusinessLogic: ['CustomSync', 'CustomAsync'],
        bypassStepIds: ['7c6a3b8e-0000-4000-8000-000000000002', '7c6a3b8e-0000-4000-8000-000000000003'],
        suppressFlows: true,
        duplicateDetection: true,
        callerObjectId: '7c6a3b8e-0000-4000-8000-000000000001',
      }),
    ).toEqual({
      'MSCRM.BypassBusinessLogicExecution': 'CustomSync,CustomAsync',
      'MSCRM.BypassBusinessLogicExecutionStepIds':
        '7c6a3b8e-0000-4000-8000-000000000002,7c6a3b8e-0000-4000-8000-000000000003',
      'MSCRM.SuppressCallbackRegistrationExpanderJob': 'true',
      'MSCRM.SuppressDuplicateDetection': 'false',
      CallerObjectId: '7c6a3b8e-0000-4000-8000-000000000001',
    });
  });

  it('encodes the tag once, whatever it holds', () => {
    expect(optionQuery({ ...noOptions, tag: 'a b&c=ü\r\nX: 1' })).toBe('?tag=a%20b%26c%3D%C3%BC%0D%0AX%3A%201');
  });

  it.each(['a\r\nX-Evil: 1', 'a\nb', '', ' a', 'a ', 'ü', '\u0000'])('refuses %j as a header value', (value) => {
    expect(() => headerValue(value)).toThrow(RangeError);
  });
});

describe('parseDopHint', () => {
  it.each([
    ['4', 4],
    [' 50 ', 50],
    ['1024', 1024],
    ['0', undefined],
    ['-1', undefined],
    ['4.5', undefined],
    ['many', undefined],
    ['', undefined],
    [undefined, undefined],
    ['1025', 1024],
    ['99999999999', 1024],
    ['9'.repeat(400), undefined],
  ])('reads %j as %j', (value, hint) => {
    expect(parseDopHint(value)).toBe(hint);
  });
});
