import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

contract('validation', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));
  const cases: [string, object, string][] = [
    ['an unknown column', { suite_nothing: 1 }, '0x80048d19'],
    ['text for a number', { suite_number: '5' }, '0x80048d19'],
    ['a number for text', { suite_code: 5 }, '0x80048d19'],
    ['a fraction for a whole number', { suite_number: 1.5 }, '0x80048d19'],
    ['text that is too long', { suite_name: 'x'.repeat(21) }, '0x80044331'],
    ['a whole number out of range', { suite_number: 1000001 }, '0x8004432F'],
    ['a decimal out of range', { suite_share: 100.5 }, '0x80044330'],
    ['an unknown choice', { suite_kind: 3 }, '0x8004431A'],
    ['an unknown choice among several', { suite_tags: '1,2' }, '0x8004431A'],
    ['a date-time for a date', { suite_foundedon: '2024-05-31T10:00:00Z' }, '0x80048d19'],
    ['a date that does not exist', { suite_foundedon: '2024-02-30' }, '0x80048d19'],
    ['a date before 1753', { suite_foundedon: '1752-12-31' }, '0x80040239'],
    ['a date that does not exist, with an offset', { suite_seenat: '2024-02-30T10:00:00+02:00' }, '0x80048d19'],
    ['an hour that does not exist', { suite_seenat: '2024-02-28T24:00:00Z' }, '0x80048d19'],
    ['a time after the last year', { suite_seenat: '9999-12-31T23:30:00-01:00' }, '0x80048d19'],
    ['a time that the offset puts before 1753', { suite_seenat: '1753-01-01T00:30:00+01:00' }, '0x80040239'],
    ['a number for a date', { suite_seenat: 20240531 }, '0x80048d19'],
    ['an object for text', { suite_code: { a: 1 } }, '0x80048d19'],
    ['a list for a number', { suite_number: [1] }, '0x80048d19'],
    ['a number for a boolean', { suite_active: 1 }, '0x80048d19'],
    ['text for a choice', { suite_kind: '1' }, '0x80048d19'],
    ['a control character', { suite_code: 'a\u0001b' }, '0x80040278'],
    ['an unknown state', { statecode: 7 }, '0x8004431A'],
    ['no state at all', { statecode: null }, '0x80040200'],
    ['a status of another state', { statecode: 1, statuscode: 1 }, '0x80048408'],
  ]; // prettier-ignore
  it.each(cases)('refuses %s', async (_, members, code) => {
    expect(errorOf(await api.post('suite_cities', city(members)))).toEqual({ status: 400, code });
  });

  it('refuses a body that is no JSON', async () => {
    const bottomless = `{"suite_name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    expect(errorOf(await api.post('suite_cities', bottomless))).toEqual({ status: 400, code: '0x80048d19' });
    expect((await api.post('suite_cities', '')).status).toBe(400);
    expect((await api.post('suite_cities', '[]')).status).toBe(400);
    expect(errorOf(await api.post('suite_cities', '{"suite_name":'))).toEqual({ status: 400, code: '0x80048d19' });
  });

  it('converts offsets, rounds decimals, and brings the default status of a state', async () => {
    const id = await newCity({ suite_seenat: '2024-05-31T10:00:00+02:00', suite_share: 33.337, suite_tags: '9,1' });
    await api.patch(`suite_cities(${id})`, { statecode: 1 });
    const { json } = await api.get(`suite_cities(${id})`);
    expect(json).toMatchObject({
      suite_seenat: '2024-05-31T08:00:00Z',
      suite_share: 33.34,
      suite_tags: '9,1',
      statecode: 1,
      statuscode: 2,
    });
  });

  it('takes a state and its status from each other, on create and on update', async () => {
    const shown = async (members: object): Promise<unknown> => {
      const { json } = await api.post('suite_cities', city(members), { prefer: 'return=representation' });
      return [json.statecode, json.statuscode];
    };
    expect([await shown({}), await shown({ statecode: 1 }), await shown({ statuscode: 2 })]).toEqual([[0, 1], [1, 2], [1, 2]]); // prettier-ignore
    const id = await newCity();
    await api.patch(`suite_cities(${id})`, { statuscode: 2 });
    expect((await api.get(`suite_cities(${id})`)).json).toMatchObject({ statecode: 1, statuscode: 2 });
    await api.patch(`suite_cities(${id})`, { statecode: 0, statuscode: 1 });
    expect((await api.get(`suite_cities(${id})`)).json).toMatchObject({ statecode: 0, statuscode: 1 });
  });

  it('takes the first and the last time, a leap day, and a time without offset as UTC', async () => {
    const stored = async (suite_seenat: string): Promise<unknown> =>
      (await api.post('suite_cities', city({ suite_seenat }), { prefer: 'return=representation' })).json.suite_seenat;
    expect(await stored('1753-01-01T00:00:00Z')).toBe('1753-01-01T00:00:00Z');
    expect(await stored('9999-12-31T23:59:59Z')).toBe('9999-12-31T23:59:59Z');
    expect(await stored('2000-02-29T23:30:00.123-01:00')).toBe('2000-03-01T00:30:00Z');
    expect(await stored('2024-05-31T10:00:00')).toBe('2024-05-31T10:00:00Z');
  });

  it('keeps every digit of whole numbers of 64 bits and of decimals', async () => {
    const text = '{"suite_name":"A","suite_counter":9007199254740993,"suite_exact":12345678901.1234567891}';
    const created = await api.post('suite_cities', text);
    const row = `suite_cities(${idOf(created)})`;
    const shown = await api.get(`${row}?$select=suite_counter,suite_exact`);
    expect(shown.text).toContain('"suite_counter":9007199254740993,"suite_exact":12345678901.1234567891');
    expect((await api.get(`${row}/suite_counter`)).text).toContain('"value":9007199254740993');
    await api.send('PUT', `${row}/suite_counter`, '{"value":-9223372036854775808}');
    expect((await api.get(row)).text).toContain('"suite_counter":-9223372036854775808');
    const tooLarge = await api.patch(row, '{"suite_counter":9223372036854775808}');
    expect(errorOf(tooLarge)).toEqual({ status: 400, code: '0x8004432F' });
  });

  it('rounds decimals half away from zero, by the digits that were written', async () => {
    const stored = async (suite_share: number): Promise<unknown> =>
      (await api.post('suite_cities', city({ suite_share }), { prefer: 'return=representation' })).json.suite_share;
    expect([await stored(1.005), await stored(2.675), await stored(1.004)]).toEqual([1.01, 2.68, 1]);
  });

  it('takes null for a column without value', async () => {
    const id = await newCity({ suite_number: 3 });
    await api.patch(`suite_cities(${id})`, { suite_number: null });
    expect((await api.get(`suite_cities(${id})`)).json.suite_number).toBeNull();
    expect(errorOf(await api.patch(`suite_cities(${id})`, { statecode: null }))).toEqual({
      status: 400,
      code: '0x80040200',
    });
  });
});

emulatorContract('validation by the settings', {}, ({ api, emulator }) => {
  it('ignores read-only columns, or refuses them', async () => {
    const city = { suite_name: 'A', suite_rank: 5 };
    const ignored = await api.post('suite_cities', city, { prefer: 'return=representation' });
    expect([ignored.status, ignored.json.suite_rank]).toEqual([201, null]);
    emulator().changeSettings({ readOnlyColumns: 'refuse' });
    expect(errorOf(await api.post('suite_cities', city))).toEqual({ status: 400, code: '0x80040203' });
  });

  it('asks for required columns on create, or does not', async () => {
    const without = { suite_number: 1 };
    expect(errorOf(await api.post('suite_cities', without))).toEqual({ status: 400, code: '0x80040200' });
    emulator().changeSettings({ enforceRequired: false });
    expect((await api.post('suite_cities', without)).status).toBe(204);
  });
});
