import { errorCodes, ODataError } from '../errors.ts';
import type { ApplicationUserSetting } from '../settings/settings.ts';
import type { Caller, Environment } from '../operations/operation.ts';
import { guidOf } from '../basics/guid.ts';
import type { Tokens } from './tokens.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** 401 is answered with a challenge and a text body, not with an error object. */
export class UnauthorizedError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'UnauthorizedError';
  }
}

export function systemUserIdOf(clientId: string): string {
  return guidOf(`application user ${clientId}`);
}

/** Whose token it is. Throws `UnauthorizedError` for the token, `ODataError` 403 for the user. */
export function authenticate(environment: Environment, tokens: Tokens, headers: Headers): ApplicationUserSetting {
  const token = bearerToken(headers);
  if (token === undefined) throw new UnauthorizedError('missing token');
  const verdict = tokens.verify(token, environment.clock.now());
  if (!verdict.valid) throw new UnauthorizedError(verdict.reason);
  if (!isOwnAudience(environment.origin(), verdict.claims.audience)) throw new UnauthorizedError('wrong audience');
  const { clientId } = verdict.claims;
  const user = environment.settings().users.find((candidate) => candidate.clientId === clientId);
  if (user === undefined)
    throw new ODataError(403, errorCodes.userNotMember, 'The user is not a member of the organization.');
  assertEnabled(user);
  return user;
}

function assertEnabled({ disabled, clientId }: ApplicationUserSetting): void {
  if (!disabled) return;
  throw new ODataError(
    403,
    errorCodes.userDisabled,
    `The user with id ${systemUserIdOf(clientId)} has not been enabled.`,
  );
}

/**
 * Whom a request with these headers runs as; the operations of a batch have headers of their own. An impersonated user adds what it
 * may not do. Throws `ODataError` 403.
 */
export function callerOf(environment: Environment, user: ApplicationUserSetting, headers: Headers): Caller {
  const systemUserId = systemUserIdOf(user.clientId);
  assertMayBypass(user.mayBypassLogic, systemUserId, headers);
  const impersonatedUserId = impersonatedUser(environment, user.mayImpersonate, headers);
  if (impersonatedUserId === undefined) return { user, systemUserId, impersonatedUserId, denied: user.denied };
  const other = environment.settings().users.find(({ clientId }) => systemUserIdOf(clientId) === impersonatedUserId);
  if (other !== undefined) assertEnabled(other);
  return { user, systemUserId, impersonatedUserId, denied: [...user.denied, ...(other?.denied ?? [])] };
}

export function bearerToken(headers: Headers): string | undefined {
  const header = headers['authorization'];
  return header !== undefined && /^bearer /i.test(header) ? header.slice(7).trim() : undefined;
}

function isOwnAudience(origin: string, audience: string): boolean {
  const plain = audience.replace(/\/+$/, '');
  return plain === origin || plain === origin.replace('127.0.0.1', 'localhost');
}

function assertMayBypass(mayBypass: boolean, userId: string, headers: Headers): void {
  const asks =
    headers['mscrm.bypassbusinesslogicexecution'] ??
    headers['mscrm.bypassbusinesslogicexecutionstepids'] ??
    headers['mscrm.bypasscustompluginexecution'];
  if (asks === undefined || mayBypass) return;
  throw new ODataError(
    403,
    errorCodes.privilegeDenied,
    `Principal user (Id=${userId}) is missing prvBypassCustomBusinessLogic privilege.`,
  );
}

/** learn.microsoft.com/power-apps/developer/data-platform/webapi/impersonate-another-user-web-api */
function impersonatedUser(environment: Environment, mayImpersonate: boolean, headers: Headers): string | undefined {
  const objectId = headers['callerobjectid'];
  const userId = headers['mscrmcallerid'];
  if (objectId === undefined && userId === undefined) return undefined;
  if (!mayImpersonate) {
    throw new ODataError(
      403,
      errorCodes.cannotImpersonate,
      'User does not have the privilege to act on behalf another user.',
    );
  }
  const users = environment.database.table('systemuser');
  const column = users?.model.columnsByName.get('azureactivedirectoryobjectid');
  for (const row of users?.rows() ?? []) {
    const isWanted =
      objectId === undefined
        ? row.id === userId?.toLowerCase()
        : column !== undefined && row.values[column.ordinal] === objectId.toLowerCase();
    if (isWanted) return row.id;
  }
  throw new ODataError(403, errorCodes.userNotMember, 'The user is not a member of the organization.');
}
