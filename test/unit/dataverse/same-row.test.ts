import { describe, expect, it } from 'vitest';
import { isSameRow } from '../../../src/dataverse/same-row.ts';
import { guid } from './support.ts';

const read = {
  '@odata.etag': 'W/"1"',
  fan_name: 'Zürich',
  fan_population: 5,
  fan_share: 12.5,
  fan_note: null,
  fan_seenat: '2024-05-31T10:00:00Z',
  fan_foundedon: '2001-02-03',
  _fan_parentid_value: guid(7),
  createdon: '2024-06-01T12:00:00Z',
};
const oneByte = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const same = (members: string, since?: string) =>
  isSameRow(oneByte(members), read, since === undefined ? undefined : Date.parse(since));

describe('a row that was read is the one that was sent', () => {
  it.each([
    '',
    '"fan_name":"Zürich","fan_population":5',
    '"fan_name":"Zürich  "',
    '"fan_share":12.50',
    '"fan_note":null',
    '"fan_note":""',
    '"fan_seenat":"2024-05-31T12:00:00+02:00"',
    '"fan_foundedon":"2001-02-03"',
    `"fan_ParentId@odata.bind":"/accounts(${guid(7)})"`,
    `"fan_ParentId@odata.bind":"/accounts(code='A')"`,
    '"fan_notread":1',
  ])('with %s', (members) => {
    expect(same(members)).toBe(true);
  });

  it.each([
    '"fan_name":"Bern"',
    '"fan_population":6',
    '"fan_population":null',
    '"fan_note":"x"',
    '"fan_seenat":"2024-05-31T10:00:01Z"',
    `"fan_ParentId@odata.bind":"/accounts(${guid(8)})"`,
    '"fan_ParentId":null',
    '"fan_name":"Zürich","fan_population":6',
  ])('but not with %s', (members) => {
    expect(same(members)).toBe(false);
  });

  it('unless it is older than the run', () => {
    expect(same('', '2024-06-01T12:00:00Z')).toBe(true);
    expect(same('', '2024-06-01T12:00:01Z')).toBe(false);
    expect(same('"overriddencreatedon":"1999-01-01T00:00:00Z"', '2024-06-02T00:00:00Z')).toBe(true);
  });
});
