import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

const unique = (): string => randomUUID().slice(0, 8);

contract('alternate keys', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));
  it('copies the key of the URL into a new row and echoes the key form', async () => {
    const code = unique();
    const answer = await api.patch(`suite_cities(suite_code='${code}')`, city());
    expect(answer.status).toBe(204);
    expect(answer.headers.get('odata-entityid')).toBe(`${api.root}/suite_cities(suite_code='${code}')`);
    expect((await api.get(`suite_cities(suite_code='${code}')`)).json.suite_code).toBe(code);
  });

  it('lets the body win for a new row and ignores it for the key of an existing one', async () => {
    const [fromUrl, fromBody] = [unique(), unique()];
    await api.patch(`suite_cities(suite_code='${fromUrl}')`, city({ suite_code: fromBody }));
    expect((await api.get(`suite_cities(suite_code='${fromUrl}')`)).status).toBe(404);
    await api.patch(`suite_cities(suite_code='${fromBody}')`, { suite_code: unique(), suite_number: 9 });
    expect((await api.get(`suite_cities(suite_code='${fromBody}')`)).json.suite_number).toBe(9);
  });

  it('finds composite keys in any order, and keys with a lookup part', async () => {
    const region = unique();
    const account = idOf(await api.post('accounts', { name: 'Parent' }));
    const id = await newCity({
      suite_region: region,
      suite_number: 5,
      suite_kind: 1,
      'suite_ParentId@odata.bind': `/accounts(${account})`,
    });
    const composite = await api.get(`suite_cities(suite_number=5,suite_region='${region}')`);
    const byLookup = await api.get(`suite_cities(_suite_parentid_value=${account},suite_kind=1)`);
    expect([composite.json.suite_cityid, byLookup.json.suite_cityid]).toEqual([id, id]);
  });

  it('reads doubled quotes and percent-encoding in key values', async () => {
    const code = `O'Hara ü ${unique()}`;
    const id = await newCity({ suite_code: code });
    const answer = await api.get(`suite_cities(suite_code='${encodeURIComponent(code.replaceAll("'", "''"))}')`);
    expect(answer.json.suite_cityid).toBe(id);
  });

  it.each(['/', '<', '>', '*', '%', '&', ':', '\\', '?', '+'])(
    'cannot find or create a row by a key with %s in the URL, which a query can',
    async (character) => {
      const code = `${character}${unique()}`;
      const id = await newCity({ suite_code: code });
      const address = `suite_cities(suite_code='${encodeURIComponent(code)}')`;
      for (const answer of [await api.get(address), await api.patch(address, city()), await api.delete(address)])
        expect(answer.status).toBe(400);
      const found = await api.get(`suite_cities?$filter=suite_code eq '${encodeURIComponent(code)}'`);
      expect((found.json.value as { suite_cityid: string }[]).map((row) => row.suite_cityid)).toEqual([id]);
    },
  );

  it('echoes a key percent-encoded, whatever letters it has', async () => {
    const code = `漢字 ü O'Hara #1 ${unique()}`;
    const literal = encodeURIComponent(code.replaceAll("'", "''"));
    const answer = await api.patch(`suite_cities(suite_code='${literal}')`, city());
    expect(answer.status).toBe(204);
    const address = answer.headers.get('odata-entityid') ?? '';
    expect(address).toBe(`${api.root}/suite_cities(suite_code='${literal}')`);
    expect((await api.get(address)).json.suite_code).toBe(code);
  });

  it('answers 404 for key values without a row, 400 for names that are no key and for a key not yet active', async () => {
    expect(errorOf(await api.get(`suite_cities(suite_code='${unique()}')`))).toEqual({
      status: 404,
      code: '0x80060891',
    });
    expect((await api.get("suite_cities(suite_name='A')")).status).toBe(400);
    expect(errorOf(await api.get('suite_cities(suite_number=5)'))).toEqual({ status: 400, code: '0x80060890' });
  });

  it('takes the named primary key', async () => {
    const id = await newCity();
    expect((await api.get(`suite_cities(suite_cityid=${id})`)).json.suite_cityid).toBe(id);
  });
});
