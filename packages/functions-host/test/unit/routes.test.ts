import { describe, expect, test } from 'vitest';
import { compileRoute } from '../../src/http/routes.ts';

describe('route templates', () => {
  test.each([
    ['api/hello', 'api/hello', {}],
    ['api/hello', 'API/Hello/', {}],
    ['api/{name}', 'api/a%2Fb', { name: 'a/b' }],
    ['api/{a}/{b?}', 'api/x', { a: 'x' }],
    ['api/{a}/{b?}', 'api/x/y', { a: 'x', b: 'y' }],
    ['api/{a=one}', 'api', { a: 'one' }],
    ['api/{*rest}', 'api/a/b/c', { rest: 'a/b/c' }],
    ['api/{*rest}', 'api', {}],
    ['{file}.{ext?}', 'a.b.txt', { file: 'a.b', ext: 'txt' }],
    ['{file}.{ext?}', 'readme', { file: 'readme' }],
    ['v{version:int}/x', 'v12/x', { version: '12' }],
    ['{id:int:min(5)}', '7', { id: '7' }],
    ['{id:guid}', '3F2504E0-4F89-11D3-9A0C-0305E82C3301', { id: '3F2504E0-4F89-11D3-9A0C-0305E82C3301' }],
    ['{code:regex(^[a-z]{{2}}\\d$)}', 'ab1', { code: 'ab1' }],
    ['{when:datetime}', '2026-01-31', { when: '2026-01-31' }],
    ['{n:range(1,10)?}', '', {}],
  ])('%s matches %s', (template, path, params) => {
    expect(compileRoute(template).match(path)).toEqual(params);
  });

  test.each([
    ['api/hello', 'api/hello/more'],
    ['api/{name}', 'api'],
    ['{id:int}', 'x'],
    ['{id:int:min(5)}', '4'],
    ['{n:range(1,10)}', '11'],
    ['{s:length(2)}', 'abc'],
    ['{s:minlength(2)}', 'a'],
    ['{s:alpha}', 'a1'],
    ['{b:bool}', 'yes'],
    ['{code:regex(^[a-z]{{2}}$)}', 'abc'],
  ])('%s does not match %s', (template, path) => {
    expect(compileRoute(template).match(path)).toBeUndefined();
  });

  test.each(['{a', 'a}', '{a:nope}', '{}'])('%s is refused', (template) => {
    expect(() => compileRoute(template)).toThrow(/The route/u);
  });
});
