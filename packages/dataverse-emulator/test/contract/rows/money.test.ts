import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';

const representation = { prefer: 'return=representation' };

contract('money', (api) => {
  it('comes with the currency, its rate and the amount in the base currency, which nobody can write', async () => {
    const { json } = await api.post(
      'suite_cities',
      { suite_name: 'A', suite_price: 12.5, suite_price_base: 99 },
      representation,
    );
    expect(json.suite_price).toBe(12.5);
    expect(json.suite_price_base).toBeCloseTo(12.5 / (json.exchangerate as number), 4);
    expect(json._transactioncurrencyid_value).toMatch(/^[0-9a-f-]{36}$/);
  });
});

emulatorContract('money in another currency', {}, ({ api }) => {
  it('is converted with that currency’s rate, and again when the currency changes', async () => {
    const found = await api.get("transactioncurrencies?$select=exchangerate&$filter=isocurrencycode eq 'EUR'");
    const [euro] = found.json.value as { transactioncurrencyid: string }[];
    const bind = `/transactioncurrencies(${euro?.transactioncurrencyid})`;
    const city = { suite_name: 'A', suite_price: 8, 'transactioncurrencyid@odata.bind': bind };
    const { json } = await api.post('suite_cities', city, representation);
    expect(json).toMatchObject({ suite_price: 8, suite_price_base: 10, exchangerate: 0.8 });
    const dollar = await api.get("transactioncurrencies?$filter=isocurrencycode eq 'USD'");
    const changed = await api.patch(
      `suite_cities(${json.suite_cityid as string})`,
      {
        'transactioncurrencyid@odata.bind': `/transactioncurrencies(${dollar.json.value[0].transactioncurrencyid as string})`,
      },
      representation,
    );
    expect(changed.json).toMatchObject({ suite_price: 8, suite_price_base: 8, exchangerate: 1 });
  });
});
