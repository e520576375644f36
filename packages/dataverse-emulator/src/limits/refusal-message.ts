import type { Refusal } from './service-protection.ts';
import type { LimitSettings } from './limit-settings.ts';

const withThousands = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** Code and text of a refusal, as documented (learn.microsoft.com/power-apps/developer/data-platform/api-limits). */
export function refusalMessage(
  refusal: Pick<Refusal, 'facet' | 'limit'>,
  { windowMs }: Pick<LimitSettings, 'windowMs'>,
): { readonly code: string; readonly message: string } {
  const window = `over time window of ${windowMs / 1000} seconds.`;
  switch (refusal.facet) {
    case 'requests':
      return { code: '0x80072322', message: `Number of requests exceeded the limit of ${refusal.limit} ${window}` };
    case 'executionTime':
      return {
        code: '0x80072321',
        message: `Combined execution time of incoming requests exceeded limit of ${withThousands(refusal.limit)} milliseconds ${window} Decrease number of concurrent requests or reduce the duration of requests and try again later.`,
      };
    case 'concurrency':
      return { code: '0x80072326', message: `Number of concurrent requests exceeded the limit of ${refusal.limit}.` };
  }
}
