import { createHmac, timingSafeEqual } from 'node:crypto';

export interface TokenClaims {
  readonly clientId: string;
  readonly audience: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export type TokenVerdict =
  { readonly valid: true; readonly claims: TokenClaims } | { readonly valid: false; readonly reason: string };

const maxCachedTokens = 1000;

/** Issues and checks bearer tokens: JWTs with a key that follows from the seed, so that they outlive a restart. */
export class Tokens {
  readonly #key: string;
  readonly #verified = new Map<string, TokenClaims>();
  readonly #revoked = new Set<string>();
  #revokedUntilMs = 0;

  constructor(seed: number) {
    this.#key = `dataverse-emulator ${seed}`;
  }

  issue(wanted: TokenClaims): string {
    // A token issued in the very millisecond of a revocation is one after it.
    const claims = { ...wanted, issuedAtMs: Math.max(wanted.issuedAtMs, this.#revokedUntilMs + 1) };
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = encode({ typ: 'JWT', alg: 'HS256' });
    const payload = encode({
      aud: claims.audience,
      appid: claims.clientId,
      iat: Math.floor(claims.issuedAtMs / 1000),
      iat_ms: claims.issuedAtMs,
      exp: Math.floor(claims.expiresAtMs / 1000),
      exp_ms: claims.expiresAtMs,
    });
    return `${head}.${payload}.${this.#sign(`${head}.${payload}`)}`;
  }

  verify(token: string, nowMs: number): TokenVerdict {
    const claims = this.#verified.get(token) ?? this.#read(token);
    if (claims === undefined) return { valid: false, reason: 'InvalidAuthTicket' };
    if (this.#revoked.has(token) || claims.issuedAtMs <= this.#revokedUntilMs)
      return { valid: false, reason: 'BadAuthTicket' };
    if (nowMs >= claims.expiresAtMs) return { valid: false, reason: 'ExpiredAuthTicket' };
    return { valid: true, claims };
  }

  revoke(token: string): void {
    this.#revoked.add(token);
  }

  /** Every token issued up to now, this millisecond included. */
  revokeAll(nowMs: number): void {
    this.#revokedUntilMs = nowMs;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }

  #read(token: string): TokenClaims | undefined {
    const [head = '', payload = '', signature = ''] = token.split('.');
    const expected = Buffer.from(this.#sign(`${head}.${payload}`));
    const given = Buffer.from(signature);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    const json = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, string | number>;
    const claims: TokenClaims = {
      clientId: String(json['appid']),
      audience: String(json['aud']),
      issuedAtMs: Number(json['iat_ms']),
      expiresAtMs: Number(json['exp_ms']),
    };
    if (this.#verified.size >= maxCachedTokens) this.#verified.clear();
    this.#verified.set(token, claims);
    return claims;
  }
}
