import { Agent } from 'undici';
import { requestTimeoutMs } from './send.ts';

/** Idle sockets live this long: longer than the pause between two waves, shorter than the load balancer's cut at about 230 s. */
const keepAliveTimeoutMs = 60_000;
const connectTimeoutMs = 10_000;

/**
 * The one HTTP agent of the process. HTTP/1.1 with as many sockets as lanes, because parallel connections are what spreads
 * requests over the environment's servers (learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests).
 * undici keeps no cookies, so an affinity cookie is sent back only by a `ServerPin`; it follows no redirect and repeats nothing by itself.
 */
export function createAgent(options: { readonly connections: number }): Agent {
  return new Agent({
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: keepAliveTimeoutMs,
    connect: { timeout: connectTimeoutMs },
    // The request's own deadline decides; these only have to be longer.
    headersTimeout: requestTimeoutMs + 30_000,
    bodyTimeout: requestTimeoutMs + 30_000,
  });
}
