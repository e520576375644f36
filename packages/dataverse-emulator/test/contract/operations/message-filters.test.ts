import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';

contract('message filters: availability', (api) => {
  it.each([
    ['CreateMultiple', 'suite_city', 1],
    ['UpsertMultiple', 'suite_city', 0],
    ['DeleteMultiple', 'suite_city', 0],
    ['DeleteMultiple', 'suite_reading', 1],
  ])('of %s on %s is told by the message filters (%i)', async (message, table, count) => {
    const filter = '$filter=sdkmessageid/name eq @message and primaryobjecttypecode eq @table';
    const answer = await api.get(
      `sdkmessagefilters?$select=sdkmessagefilterid&${filter}&@message='${message}'&@table='${table}'`,
    );
    expect(answer.json.value).toHaveLength(count);
  });
});
