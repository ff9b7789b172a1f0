// A small cluster behind a server that speaks Kubernetes' API over TLS, for whatever must be shown with the real client.
import type { ServerResponse } from 'node:http';
import { clusterControl } from '../../src/cluster/cluster-control.ts';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import type { ClusterControl, ClusterKind, ClusterObject, PatchOperation } from '../../src/core/cluster-control.ts';
import { AppError } from '../../src/core/errors.ts';
import { AnApiServer, answer, type Asked, aStatus, notFound } from './an-api-server.ts';
import type { SmallCluster } from './small-cluster.ts';

/** The server, and the cluster as faults reach it. `cluster` may be another one at any time. */
export class AClusterServer implements AsyncDisposable {
  readonly api: AnApiServer;
  readonly control: ClusterControl & AsyncDisposable;
  cluster: SmallCluster;

  private constructor(api: AnApiServer, cluster: SmallCluster) {
    this.api = api;
    this.cluster = cluster;
    this.control = clusterControl(() => openCluster(api.cluster));
    api.interlude = (asked, response) => this.#serve(asked, response);
  }

  static async start(cluster: SmallCluster): Promise<AClusterServer> {
    return new AClusterServer(await AnApiServer.start(), cluster);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control[Symbol.asyncDispose]();
    await this.api[Symbol.asyncDispose]();
  }

  #serve(asked: Asked, response: ServerResponse): boolean {
    if (asked.path.endsWith('/selfsubjectaccessreviews')) return answer(response, 201, { status: { allowed: true } });
    const at = placeOf(asked.path);
    if (at === null) return false;
    try {
      return this.#act(asked, at, response);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'TARGET_GONE') return answer(response, 404, notFound(at.kind, at.name ?? ''));
      const code = error.code === 'CONFLICT' ? 409 : 422;
      return answer(response, code, aStatus(code, error.message));
    }
  }

  #act({ method, query, body }: Asked, { kind, namespace, name, subresource }: Place, response: ServerResponse): true {
    const { cluster } = this;
    if (name === null) {
      if (method === 'POST') {
        cluster.create(kind, body as ClusterObject);
        return answer(response, 201, body);
      }
      const selection = { labelSelector: query.get('labelSelector') ?? '', fieldSelector: query.get('fieldSelector') ?? '' };
      const items = cluster.list(kind, { ...selection, ...(namespace === null ? {} : { namespace }) });
      return answer(response, 200, { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items });
    }
    const now = cluster.get(kind, name, namespace);
    if (now === null) return answer(response, 404, notFound(kind, name));
    const uid = (body as { preconditions?: { uid?: string } } | null)?.preconditions?.uid ?? now.metadata.uid;
    if (subresource === 'eviction') {
      cluster.remove(kind, [namespace, name], now.metadata.uid);
      return answer(response, 201, aStatus(201, 'evicted'));
    }
    if (method === 'DELETE') cluster.remove(kind, [namespace, name], uid);
    if (method === 'PATCH') {
      const operations = body as (PatchOperation | { op: 'test'; path: string; value: string })[];
      const tested = (field: string) =>
        operations.find(({ op, path }) => op === 'test' && path === `/metadata/${field}`) as { value: string } | undefined;
      const expected = { uid: tested('uid')?.value ?? '', resourceVersion: tested('resourceVersion')?.value ?? '' };
      // The real server calls a failed test invalid.
      if (expected.uid !== now.metadata.uid || expected.resourceVersion !== now.metadata.resourceVersion)
        return answer(response, 422, aStatus(422, 'the server rejected our request due to an error in our request'));
      cluster.patch(
        kind,
        [namespace, name],
        operations.filter((each) => each.op !== 'test'),
        expected,
      );
    }
    return answer(response, 200, method === 'DELETE' ? aStatus(200, 'deleted') : (cluster.get(kind, name, namespace) ?? now));
  }
}

type Place = { kind: ClusterKind; namespace: string | null; name: string | null; subresource: string | null };

const KINDS = ['pods', 'nodes', 'services', 'endpointSlices', 'deployments', 'bgpAdvertisements'] as const satisfies readonly ClusterKind[];

/** `/api/v1/namespaces/default/services/web`, `/apis/apps/v1/deployments`, … */
function placeOf(path: string): Place | null {
  const [, rest = ''] = /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)\/(.+)$/.exec(path) ?? [];
  const parts = rest.split('/');
  const namespace = parts[0] === 'namespaces' ? (parts.splice(0, 2)[1] ?? null) : null;
  const [plural, name = null, subresource = null] = parts;
  const kind = KINDS.find((each) => RESOURCES[each].plural === plural);
  return kind === undefined ? null : { kind, namespace, name, subresource };
}
