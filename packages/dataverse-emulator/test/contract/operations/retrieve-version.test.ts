import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';

contract('RetrieveVersion', (api) => {
  it('tells a version of the 9.2 line', async () => {
    expect((await api.get('RetrieveVersion()')).json.Version).toMatch(/^9\.2\./);
    expect((await api.get('RetrieveVersion')).status).toBe(200);
  });
});
