import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

const unique = (): string => randomUUID().slice(0, 8);
const representation = { prefer: 'return=representation' };

contract('create', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  it('answers 204 with the address of the new row in two headers', async () => {
    const answer = await api.post('suite_cities', city());
    expect(answer.status).toBe(204);
    expect(answer.text).toBe('');
    expect(answer.headers.get('odata-entityid')).toBe(`${api.root}/suite_cities(${idOf(answer)})`);
    expect(answer.headers.get('location')).toBe(answer.headers.get('odata-entityid'));
  });

  it('answers 201 with the selected columns when the representation is preferred', async () => {
    const answer = await api.post('suite_cities?$select=suite_name', city({ suite_number: 7 }), representation);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('preference-applied')).toBe('return=representation');
    expect(answer.headers.get('odata-entityid')).toBeNull();
    expect(answer.json).toMatchObject({ suite_name: 'A', '@odata.etag': expect.stringMatching(/^W\/"\d+"$/) });
    expect(answer.json).not.toHaveProperty('suite_number');
    expect(answer.json['@odata.context']).toBe(`${api.root}/$metadata#suite_cities(suite_name)/$entity`);
  });

  it('keeps a primary key chosen by the client and refuses it the second time with 412', async () => {
    const id = randomUUID();
    expect(idOf(await api.post('suite_cities', city({ suite_cityid: id })))).toBe(id);
    const again = await api.post('suite_cities', city({ suite_cityid: id }));
    expect(errorOf(again)).toEqual({ status: 412, code: '0x80040237' });
  });

  it('refuses a taken alternate key with 412 and names the key', async () => {
    const code = unique();
    await api.post('suite_cities', city({ suite_code: code }));
    const again = await api.post('suite_cities', city({ suite_code: code.toUpperCase() }));
    expect(errorOf(again)).toEqual({ status: 412, code: '0x80060892' });
    expect(again.json.error.message).toContain('Entity Key suite_codekey violated');
  });

  it('does not enforce a key of which a part is null', async () => {
    const region = unique();
    expect((await api.post('suite_cities', city({ suite_region: region }))).status).toBe(204);
    expect((await api.post('suite_cities', city({ suite_region: region }))).status).toBe(204);
  });

  it('sets the system columns, and createdon from overriddencreatedon', async () => {
    const plain = await api.post('suite_cities', city(), representation);
    expect(plain.json).toMatchObject({ statecode: 0, statuscode: 1, createdon: expect.stringMatching(/T.*Z$/) });
    expect(plain.json._createdby_value).toBe(plain.json._ownerid_value);
    const old = await api.post('suite_cities', city({ overriddencreatedon: '2001-02-03' }), representation);
    expect(old.json.createdon).toBe('2001-02-03T00:00:00Z');
  });
});
