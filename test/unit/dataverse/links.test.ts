import { describe, expect, it } from 'vitest';
import { createLinkWatch, pathOfLink } from '../../../src/dataverse/links.ts';
import { queryPages } from '../../../src/dataverse/query.ts';
import { harness, origin, type Script } from './support.ts';

const place = { origin, entitySetName: 'fan_cities' };
const root = `${origin}/api/data/v9.2`;

describe('links of answers', () => {
  it.each([
    [`${root}/fan_cities?$skiptoken=a%20b`, 'fan_cities?$skiptoken=a%20b'],
    [`${origin}/api/data/v9.1/fan_cities?$deltatoken=1`, 'fan_cities?$deltatoken=1'],
    [`${root.replace('contoso.', 'contoso.api.')}/fan_cities?x=1`, 'fan_cities?x=1'],
  ])('are followed when they stay: %s', (link, path) => {
    expect(pathOfLink(link, place)).toBe(path);
  });

  it.each([
    'https://evil.example/api/data/v9.2/fan_cities?x=1',
    `${root.replace('https:', 'http:')}/fan_cities`,
    `https://contoso.crm4.dynamics.com.evil.example/api/data/v9.2/fan_cities`,
    `https://contoso.crm4.dynamics.com@evil.example/api/data/v9.2/fan_cities`,
    `https://user@contoso.crm4.dynamics.com/api/data/v9.2/fan_cities`,
    `https://contoso.crm4.dynamics.com:8443/api/data/v9.2/fan_cities`,
    `https://fabrikam.crm4.dynamics.com/api/data/v9.2/fan_cities`,
    `${root}/accounts?x=1`,
    `${root}/fan_cities/../accounts?x=1`,
    `${root}/fan_cities(1)/children`,
    '/api/data/v9.2/fan_cities',
    'fan_cities?x=1',
    '',
  ])('are refused when they lead elsewhere: %s', (link) => {
    expect(() => pathOfLink(link, place)).toThrow(/answered with a link to another (place|table)/);
  });

  it('are followed once', () => {
    const watch = createLinkWatch(place);
    watch.follow(`${root}/fan_cities?page=2`);
    expect(() => watch.follow(`${root}/fan_cities?page=2`)).toThrow('came before');
  });
});

describe('a query', () => {
  const page = (value: unknown, nextLink?: unknown) => ({
    status: 200,
    body: JSON.stringify({ value, ...(nextLink !== undefined && { '@odata.nextLink': nextLink }) }),
  });
  const read = async (script: Script) => {
    const { client, seen } = harness(script);
    const rows: unknown[] = [];
    const reading = (async () => {
      for await (const rowsOfPage of queryPages(client, { entitySetName: 'fan_cities', select: ['a'] })) {
        rows.push(...rowsOfPage);
      }
    })();
    const error: unknown = await reading.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return { rows, seen, error };
  };

  it('sends no token anywhere but to its environment', async () => {
    const { seen, error } = await read(() => page([{ a: 1 }], 'https://evil.example/api/data/v9.2/fan_cities'));
    expect(seen).toHaveLength(1);
    expect(error).toMatchObject({ kind: 'requestRejected' });
  });

  it('does not go in circles', async () => {
    const { seen, error } = await read(() => page([{ a: 1 }], `${root}/fan_cities?page=2`));
    expect(seen).toHaveLength(2);
    expect(error).toMatchObject({ message: 'The environment answered with a link that came before.' });
  });

  it('asks for the same page size with every page', async () => {
    const { seen } = await read((_, index) => page([], index < 2 ? `${root}/fan_cities?page=${index + 2}` : undefined));
    expect(seen.map(({ headers }) => headers['prefer'])).toEqual(Array(3).fill('odata.maxpagesize=2000'));
  });

  it.each([
    ['a cut page', { status: 200, body: '{"value":[{"a":1},{"a"' }],
    ['no list', page({})],
    ['rows that are none', page([1])],
    ['a link that is no text', page([], 7)],
  ])('asks again for %s', async (_, broken) => {
    const { rows, error, seen } = await read((__, index) => (index === 0 ? broken : page([{ a: 1 }])));
    expect({ rows, error, requests: seen.length }).toEqual({ rows: [{ a: 1 }], error: undefined, requests: 2 });
  });
});
