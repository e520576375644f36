import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';

contract('lambda operators', (api) => {
  const mark = randomUUID();
  beforeAll(async () => {
    const accounts: Record<string, string[]> = { none: [], ann: ['Ann'], both: ['Ann', 'Bob'] };
    for (const [name, lastnames] of Object.entries(accounts)) {
      await api.post('accounts', {
        name,
        description: mark,
        contact_customer_accounts: lastnames.map((lastname) => ({ lastname })),
      });
    }
  });
  const names = async (filter: string): Promise<string[]> => {
    const answer = await api.get(
      `accounts?$select=name&$orderby=name&$filter=description eq '${mark}' and ${encodeURIComponent(filter)}`,
    );
    return (answer.json.value as { name: string }[]).map(({ name }) => name);
  };

  it.each([
    ["contact_customer_accounts/any(c:c/lastname eq 'Bob')", ['both']],
    ["contact_customer_accounts/all(c:c/lastname eq 'Ann')", ['ann', 'none']],
    ['contact_customer_accounts/any()', ['ann', 'both']],
    ["not contact_customer_accounts/any(c:c/lastname eq 'Ann')", ['none']],
    ["contact_customer_accounts/any(c:startswith(c/lastname,'A') and c/statecode eq 0)", ['ann', 'both']],
  ])('%s', async (filter, expected) => {
    expect(await names(filter)).toEqual(expected);
  });

  it('are refused for unknown collections and columns, whatever the rows are', async () => {
    expect((await api.get("accounts?$filter=nothing/any(c:c/lastname eq 'x')")).status).toBe(400);
    const unknown = "accounts?$filter=contact_customer_accounts/any(c:c/nothing eq 'x')";
    expect((await api.get(unknown)).status).toBe(400);
  });
});
