import { toJson } from '../json.ts';

/** A value on its way between host and programming model; the first field that is present counts. */
export interface RpcTypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: RpcHttp;
}

/** An HTTP request (in) or response (out) in the form the programming model expects. */
export interface RpcHttp {
  url?: string;
  method?: string;
  nullableHeaders?: Record<string, { value: string }>;
  nullableQuery?: Record<string, { value: string }>;
  nullableParams?: Record<string, { value: string }>;
  statusCode?: string;
  headers?: Record<string, string>;
  cookies?: RpcCookie[];
  body?: RpcTypedData | null;
}

export interface RpcCookie {
  name?: string;
  value?: string;
  domain?: { value: string };
  path?: { value: string };
  /** A Date, or a protobuf-like time stamp, depending on what the app gave. */
  expires?: { value: unknown };
  secure?: { value: boolean };
  httpOnly?: { value: boolean };
  sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  maxAge?: { value: number };
}

/** What one invocation gives back. */
export interface RpcInvocationResponse {
  returnValue?: RpcTypedData | null;
  outputData?: { name: string; data: RpcTypedData }[];
}

/** JSON text of what a function returned, null for nothing. */
export function typedDataToJson(data: RpcTypedData | null | undefined): string | null {
  if (!data) return null;
  if (data.string !== undefined) return toJson(data.string);
  if (data.json !== undefined) return data.json;
  if (data.int !== undefined) return toJson(data.int);
  if (data.double !== undefined) return toJson(data.double);
  if (data.bytes !== undefined) return toJson(Buffer.from(data.bytes).toString('base64'));
  return null;
}
