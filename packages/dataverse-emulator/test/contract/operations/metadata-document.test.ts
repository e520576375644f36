import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';

contract('$metadata', (api) => {
  it('describes tables, columns, navigation properties and bulk messages, but not the private DeleteMultiple', async () => {
    const answer = await api.get('$metadata');
    expect([answer.status, answer.headers.get('content-type')?.split(';')[0]]).toEqual([200, 'application/xml']);
    for (const name of ['EntityType Name="suite_city"', 'Property Name="suite_number"', 'NavigationProperty Name="suite_ParentId"', 'Action Name="UpsertMultiple"', 'EntitySet Name="suite_cities"']) {
      expect(answer.text).toContain(name);
    } // prettier-ignore
    expect(answer.text).not.toContain('DeleteMultiple');
  });
});
