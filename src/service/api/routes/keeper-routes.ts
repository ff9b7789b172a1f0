// Keepers: what each says, the emergency stop, and the door for those on other machines.
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { keeperResource, listOf } from '../../../core/api.ts';
import { AppError } from '../../../core/errors.ts';
import {
  ANSWER_HEADER,
  HELLO_HEADER,
  LINK_PATH,
  LINK_PROTOCOL,
  type LinkAnswer,
  linkHello,
  type LinkHello,
} from '../../../core/keeper-link.ts';
import { name } from '../../../core/names.ts';
import { askKeepers, haltKeeper } from '../../keepers/ask-keepers.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { keeperOf } from '../callers.ts';
import { isStillAllowed } from '../gate.ts';
import { wholeList } from '../list-page.ts';
import { byName, nothing } from '../route-forms.ts';
import { createToken } from '../tokens.ts';

const admitted = z.object({
  name: z.string(),
  /** Shown once. */
  token: z.string(),
  /** Fingerprint of the service's key, for the keeper's own file. */
  controllerKey: z.string(),
});

export function keeperRoutes(app: App, api: ApiParts): void {
  const { catalogue, store, clock } = api;
  const tags = ['keepers'];
  app.get(
    '/keepers',
    { config: { permission: 'viewer' }, schema: { tags, summary: 'What each keeper says now', response: { 200: listOf(keeperResource) } } },
    async () => wholeList(await askKeepers(catalogue, api.parts.joined)),
  );
  app.post(
    '/keepers/:environment/halt',
    {
      config: { permission: 'operator' },
      schema: {
        ...{ tags, summary: 'Reverts every fault of an environment now, and allows none until `holdfast halt --lift`' },
        ...{ params: z.object({ environment: name }), response: { 200: keeperResource } },
      },
    },
    async ({ params: { environment } }) => await haltKeeper(catalogue, api.parts.joined, environment),
  );
  app.post(
    '/keepers/:name/token',
    {
      config: { permission: 'admin' },
      schema: {
        ...{ tags, summary: 'Makes a token for a keeper that joins from another machine; it is told here once' },
        ...{ params: byName, response: { 201: admitted } },
      },
    },
    async ({ params }, reply) => {
      const { joined } = api.parts;
      if (!joined.has(params.name)) {
        throw new AppError('UNKNOWN_NAME', `the service's file lists no keeper ${params.name}`, {
          remedy: 'list it under keepers in serve.yaml, with its environments, and start the service again',
        });
      }
      const wish = { name: `keeper ${params.name}`, role: 'keeper', keeper: params.name, nowMs: clock.nowMs() } as const;
      const { token } = await createToken(store, wish);
      return await reply.code(201).send({ name: params.name, token, controllerKey: joined.controllerKey });
    },
  );
}

/** Where a keeper's link begins: HTTP up to here, and the link's own records from here on. */
export function keeperLinkRoute(app: App, api: ApiParts): void {
  app.get(
    LINK_PATH.replace(/^\/api\/v1/, ''),
    {
      config: { permission: 'keeper' },
      schema: { tags: ['keepers'], summary: 'The one connection of a keeper on another machine (Upgrade)', response: { 101: nothing } },
    },
    (request, reply) => {
      const { raw } = request;
      if (!isUpgraded(raw)) {
        throw new AppError('BAD_INPUT', `this path is for links of keepers alone (Upgrade: ${LINK_PROTOCOL})`, {
          remedy: 'a proxy in front of the service has to pass the headers Connection and Upgrade on',
        });
      }
      const { answer, begin } = api.parts.joined.admit(keeperOf(request), helloOf(raw));
      reply.hijack();
      const { socket } = raw;
      reply.raw.detachSocket(socket);
      socket.setTimeout(0); // the link's own beats tell whether anybody is there
      socket.write(switching(answer));
      begin(socket, () => isStillAllowed(request, api));
      return reply;
    },
  );
}

function switching(answer: LinkAnswer): string {
  const told = Buffer.from(JSON.stringify(answer)).toString('base64url');
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${LINK_PROTOCOL}\r\n${ANSWER_HEADER}: ${told}\r\n\r\n`;
}

function helloOf({ headers }: IncomingMessage): LinkHello {
  const told = headers[HELLO_HEADER];
  const hello = linkHello.safeParse(jsonOf(Buffer.from(typeof told === 'string' ? told : '', 'base64url').toString('utf8')));
  if (hello.success) return hello.data;
  throw new AppError('BAD_INPUT', `the header ${HELLO_HEADER} is missing or not understood`, {
    remedy: 'keeper and service should be of the same version',
  });
}

/** Whether the server gave the connection out of its hands: node:http sets it, and its types do not tell. */
function isUpgraded(request: IncomingMessage & { upgrade?: unknown }): boolean {
  return request.upgrade === true;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
