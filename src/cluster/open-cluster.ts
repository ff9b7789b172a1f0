// The client of a cluster's API: Holdfast's few verbs as requests, and what their answers mean.
import { z } from 'zod';
import type { Cluster } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { pathOf, type Query, queryOf } from './api-paths.ts';
import { follow, type Hearing } from './following.ts';
import type { KubeClient, KubeObject, ObjectRef, PatchKind, Resource, Selection, WriteOptions } from './kube-client.ts';
import { readLogin } from './login.ts';
import { Pulse } from './pulse.ts';
import { blockedByBudget, jsonOf, nothingThere, refusal, saysNoSuch, statusOf } from './refusals.ts';
import { type Answer, type Request, Requests } from './requests.ts';
import { isServed } from './served-kinds.ts';

export type ClientTiming = {
  /** The longest that one request may take. */
  callMs: number;
  /** The server is asked to end a watch after this long. */
  watchSec: number;
  /** How much longer than that a watch may be silent until its connection is dropped. */
  graceMs: number;
  pulse: { everyMs: number; answerMs: number };
  /** Between tries to see again. */
  pauses: { firstMs: number; longestMs: number };
};
const TIMING: ClientTiming = {
  callMs: 15_000,
  watchSec: 60,
  graceMs: 5_000,
  pulse: { everyMs: 2_000, answerMs: 3_000 },
  pauses: { firstMs: 100, longestMs: 5_000 },
};
const PAGE = 500;
/** Whose changes these are, in an object's `managedFields`. */
const FIELD_MANAGER = 'holdfast';

const CONTENT_TYPES: Record<PatchKind, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml', // JSON is YAML
};

const kubeObject = z.custom<KubeObject>(
  (value) => z.looseObject({ metadata: z.looseObject({ name: z.string() }) }).safeParse(value).success,
);
const listOf = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.looseObject({ resourceVersion: z.string().default(''), continue: z.string().optional() }),
  items: z.array(kubeObject).nullish(),
});
const review = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) });

/**
 * Opens a cluster's API: reads the kubeconfig and asks nothing yet.
 * @throws AppError FILE_UNREADABLE, BAD_INPUT, UNKNOWN_NAME for a kubeconfig that leads nowhere
 */
export async function openCluster(cluster: Cluster, timing: Partial<ClientTiming> = {}): Promise<KubeClient> {
  const whole = { ...TIMING, ...timing };
  const login = await readLogin(cluster);
  const requests = new Requests({ login, readLogin: () => readLogin(cluster), socket: cluster.socket, callMs: whole.callMs });
  return new HttpKubeClient(requests, whole);
}

class HttpKubeClient implements KubeClient {
  readonly #requests: Requests;
  readonly #timing: ClientTiming;
  readonly #pulse: Pulse;

  constructor(requests: Requests, timing: ClientTiming) {
    this.#requests = requests;
    this.#timing = timing;
    // Everybody may read the version, and any answer is one.
    const ask = { method: 'GET', path: '/version', verb: 'get', object: 'version' } as const;
    this.#pulse = new Pulse(requests.server, (signal, onReady) => requests.askOnce(ask, signal, onReady), timing.pulse);
  }

  async get(ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | null> {
    const request = this.#requestAt('GET', 'get', ref, {});
    const answer = await this.#requests.ask(request, signal);
    if (answer.status === 404 && (saysNoSuch(answer.text, ref.name) || !(await this.#isServed(ref.resource, signal)))) return null;
    return this.#parsed(request, answer, kubeObject);
  }

  async list(resource: Resource, selection: Selection, signal: AbortSignal): Promise<KubeObject[] | null> {
    return (await this.#listAll(resource, selection, signal))?.items ?? null;
  }

  async follow(...[resource, selection, following]: Parameters<KubeClient['follow']>): Promise<AsyncDisposable> {
    await using opened = new AsyncDisposableStack();
    opened.use(this.#pulse.use());
    const followed = {
      list: async (signal: AbortSignal) => {
        const found = await this.#listAll(resource, selection, signal);
        this.#pulse.felt();
        return found;
      },
      watch: (version: string, hearing: Hearing, signal: AbortSignal) => this.#watch({ resource, selection, version }, hearing, signal),
      sight: () => this.#pulse.sight,
    };
    opened.use(await follow(followed, following, this.#timing.pauses));
    return opened.move();
  }

  async create(resource: Resource, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject> {
    const { namespace, name } = object.metadata;
    const request: Request = {
      ...this.#requestAt('POST', 'create', { resource, ...(namespace === undefined ? {} : { namespace }), name }, writeQuery(options)),
      path: pathOf(resource, { namespace }) + queryOf(writeQuery(options)),
      mayMiss: namespace,
      body: object,
    };
    return this.#parsed(request, await this.#requests.ask(request, signal), kubeObject);
  }

  async patch(...[ref, change, options, signal]: Parameters<KubeClient['patch']>): Promise<KubeObject> {
    const request: Request = {
      ...this.#requestAt('PATCH', 'patch', ref, writeQuery(options)),
      contentType: CONTENT_TYPES[change.kind],
      body: guarded(change, options),
    };
    const answer = await this.#requests.ask(request, signal);
    // The server calls a changed uid, or a failed test of a JSON patch, invalid: whether it is another object by now, only the object tells.
    if (answer.status === 422 && (options.uid ?? options.resourceVersion) !== undefined) {
      const now = (await this.get(ref, signal))?.metadata;
      if (now === undefined) throw nothingThere(this.#asked(request), 'it went away meanwhile');
      const isAnother = [
        [options.uid, now.uid],
        [options.resourceVersion, now.resourceVersion],
      ].some(([wanted, found]) => wanted !== undefined && wanted !== found);
      if (isAnother) throw refusal(this.#asked(request), 409, answer.text);
    }
    return this.#parsed(request, answer, kubeObject);
  }

  async remove(...[ref, options, signal]: Parameters<KubeClient['remove']>): Promise<void> {
    const { gracePeriodSeconds } = options;
    const request: Request = {
      ...this.#requestAt('DELETE', 'delete', ref, {}),
      body: { ...deleteOptions(options), ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }) },
    };
    const answer = await this.#requests.ask(request, signal);
    if (answer.status !== 404 || !saysNoSuch(answer.text, ref.name)) this.#taken(request, answer);
  }

  async evict(...[{ namespace, name }, options, signal]: Parameters<KubeClient['evict']>): ReturnType<KubeClient['evict']> {
    const pods: Resource = { group: '', version: 'v1', plural: 'pods', namespaced: true };
    const request: Request = {
      ...this.#requestAt('POST', 'create', { resource: pods, namespace, name, subresource: 'eviction' }, writeQuery(options)),
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: deleteOptions(options) },
    };
    const answer = await this.#requests.ask(request, signal);
    if (answer.status === 404 && saysNoSuch(answer.text, name)) return { kind: 'gone' };
    const why = answer.status === 429 ? blockedByBudget(statusOf(jsonOf(answer.text))) : null;
    if (why !== null) return { kind: 'blocked', why };
    this.#taken(request, answer);
    return { kind: 'evicted' };
  }

  async mayI(...[{ verb, resource, subresource, namespace }, signal]: Parameters<KubeClient['mayI']>): Promise<boolean> {
    const request: Request = {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      isQuestion: true,
      verb: 'create',
      object: 'selfsubjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb, group: resource.group, resource: resource.plural, subresource, namespace } },
      },
    };
    return this.#parsed(request, await this.#requests.ask(request, signal), review).status.allowed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pulse[Symbol.asyncDispose]();
    this.#requests[Symbol.dispose]();
  }

  /** Every page; null when the server knows no such kind. */
  async #listAll(
    resource: Resource,
    selection: Selection,
    signal: AbortSignal,
  ): Promise<{ items: KubeObject[]; resourceVersion: string } | null> {
    const items: KubeObject[] = [];
    let limit: number | undefined = PAGE;
    for (let next: string | undefined; ;) {
      const request = this.#listRequest(resource, selection, { limit, continue: next });
      const answer = await this.#requests.ask(request, signal);
      if (answer.status === 404 && !(await this.#isServed(resource, signal))) return null;
      if (answer.status === 410 && next !== undefined) {
        // The snapshot was forgotten while its pages were read: all at once then, which cannot be.
        items.length = 0;
        limit = next = undefined;
        continue;
      }
      const page = this.#parsed(request, answer, listOf);
      const kind = page.kind?.replace(/List$/, '');
      for (const item of page.items ?? []) {
        // Items of a list do not say what they are.
        items.push({
          ...(page.apiVersion === undefined ? {} : { apiVersion: page.apiVersion }),
          ...(kind === undefined ? {} : { kind }),
          ...item,
        });
      }
      next = page.metadata.continue;
      if (next === undefined || next === '') return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  async #watch(
    what: { resource: Resource; selection: Selection; version: string },
    hearing: Hearing,
    signal: AbortSignal,
  ): Promise<'over' | 'forgotten'> {
    const { watchSec, graceMs } = this.#timing;
    const request: Request = {
      ...this.#listRequest(what.resource, what.selection, {
        watch: true,
        resourceVersion: what.version,
        allowWatchBookmarks: true,
        timeoutSeconds: watchSec,
      }),
      verb: 'watch',
    };
    const answer = await this.#requests.follow(request, watchSec * 1_000 + graceMs, hearing, signal);
    if (answer === null) return 'over';
    if (answer.status === 410) return 'forgotten';
    throw refusal(this.#asked(request), answer.status, answer.text);
  }

  #listRequest(resource: Resource, selection: Selection, query: Query): Request {
    const { namespace, labelSelector, fieldSelector } = selection;
    return {
      method: 'GET',
      path: pathOf(resource, { namespace }) + queryOf({ labelSelector, fieldSelector, ...query }),
      verb: 'list',
      object: namespace === undefined ? resource.plural : `${resource.plural} in ${namespace}`,
    };
  }

  #requestAt(method: Request['method'], verb: string, ref: ObjectRef & { subresource?: string | undefined }, query: Query): Request {
    const { resource, namespace, name, subresource } = ref;
    return {
      method,
      path: pathOf(resource, { namespace, name, subresource }) + queryOf(query),
      verb,
      object: `${[resource.plural, subresource].filter(Boolean).join('/')} ${[namespace, name].filter(Boolean).join('/')}`,
      mayMiss: name,
    };
  }

  /** For when a 404 does not tell an unknown kind from a proxy that lost its server. */
  async #isServed(resource: Resource, signal: AbortSignal): Promise<boolean> {
    return await isServed(resource, async (path, schema) => {
      const request = { method: 'GET', path, verb: 'get', object: path } as const;
      return this.#parsed(request, await this.#requests.ask(request, signal), schema);
    });
  }

  #asked({ verb, object, mayMiss }: Request) {
    return { server: this.#requests.server, verb, object, mayMiss };
  }

  #taken(request: Request, { status, text }: Answer): void {
    if (status < 200 || status > 299) throw refusal(this.#asked(request), status, text);
  }

  #parsed<Schema extends z.ZodType>(request: Request, answer: Answer, schema: Schema): z.output<Schema> {
    this.#taken(request, answer);
    const parsed = schema.safeParse(jsonOf(answer.text));
    if (parsed.success) return parsed.data;
    throw new AppError(
      'CLUSTER_REFUSED',
      `what the cluster at ${this.#requests.server} answered to ${request.verb} ${request.object} is not understood: ${answer.text.slice(0, 200)}`,
      { remedy: 'see that the kubeconfig names the API server itself' },
    );
  }
}

function writeQuery({ dryRun }: WriteOptions): Query {
  return { fieldManager: FIELD_MANAGER, dryRun: dryRun === true ? 'All' : undefined };
}

function deleteOptions({ dryRun, uid, resourceVersion }: WriteOptions) {
  const isGuarded = (uid ?? resourceVersion) !== undefined;
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(isGuarded ? { preconditions: { uid, resourceVersion } } : {}),
    ...(dryRun === true ? { dryRun: ['All'] } : {}),
  };
}

/** A patch that takes only when the object is still the one that is meant. */
function guarded({ kind, body }: { kind: PatchKind; body: unknown }, { uid, resourceVersion }: WriteOptions): unknown {
  const guards = Object.entries({ uid, resourceVersion }).filter(([, value]) => value !== undefined);
  if (guards.length === 0) return body;
  if (kind === 'json') return [...guards.map(([key, value]) => ({ op: 'test', path: `/metadata/${key}`, value })), ...(body as object[])];
  const { metadata, ...rest } = body as { metadata?: object };
  return { ...rest, metadata: { ...metadata, ...Object.fromEntries(guards) } };
}
