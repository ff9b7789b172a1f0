// Who may do what: every route declares its permission, and one that does not stops the start-up.
import type { FastifyInstance } from 'fastify';
import type { Role } from '../store/tables.ts';

/**
 * `public`: nobody needs to be known; `hook`: the hook's own secret decides; `any`: every known caller, agents too;
 * `viewer` < `operator` < `admin`; `agent`, `keeper`: one of them, for itself; `viewer-or-socket`: a viewer, or whoever may open the service's
 * own Unix socket (0600: its user).
 */
const PERMISSIONS = ['public', 'hook', 'any', 'viewer', 'operator', 'admin', 'agent', 'keeper', 'viewer-or-socket'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Who asks. */
export type Identity = {
  tokenId: string;
  name: string;
  role: Role;
  /** Of the role agent: whose. */
  agent: string | null;
  /** Of the role keeper: whose. */
  keeper: string | null;
  /** Of a browser's session: what it must send as `x-csrf-token` with everything that changes something. */
  csrf: string | null;
};

export type DeclaredRoute = { method: string; url: string; permission: Permission };

declare module 'fastify' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- only an interface can be added to
  interface FastifyContextConfig {
    permission?: Permission;
  }
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- as above
  interface FastifyRequest {
    identity: Identity | null;
    /** Of an agent's state: the service's monotonic clock when the request came. */
    receivedMonoMs: number;
  }
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- as above
  interface FastifyInstance {
    /** Every route there is, as declared. */
    declaredRoutes: readonly DeclaredRoute[];
  }
}

const RANK: Readonly<Record<Exclude<Role, 'agent' | 'keeper'>, number>> = { viewer: 1, operator: 2, admin: 3 };

/** Whether `identity` (null: nobody known) has the permission. @param isSocket the request came through the service's Unix socket */
export function isAllowed(permission: Permission, identity: Identity | null, isSocket: boolean): boolean {
  switch (permission) {
    case 'public':
    case 'hook':
      return true;
    case 'any':
      return identity !== null;
    case 'agent':
      return identity?.role === 'agent' && identity.agent !== null;
    case 'keeper':
      return identity?.role === 'keeper' && identity.keeper !== null;
    case 'viewer-or-socket':
      return isSocket || isAllowed('viewer', identity, isSocket);
    case 'viewer':
    case 'operator':
    case 'admin':
      return identity !== null && identity.role !== 'agent' && identity.role !== 'keeper' && RANK[identity.role] >= RANK[permission];
  }
}

/** Keeps the table of routes, and throws for a route that declares no permission. Call it before any route is added. */
export function requirePermissions(app: FastifyInstance): void {
  const table: DeclaredRoute[] = [];
  app.decorate('declaredRoutes', table);
  app.decorateRequest('identity', null);
  app.decorateRequest('receivedMonoMs', 0);
  app.addHook('onRoute', ({ method, url, config }) => {
    const permission = (config as { permission?: unknown } | undefined)?.permission;
    const known = PERMISSIONS.find((each) => each === permission);
    if (known === undefined) throw new Error(`${String(method)} ${url} declares no permission: nobody knows who may use it`);
    for (const each of [method].flat()) table.push({ method: each, url, permission: known });
  });
}
