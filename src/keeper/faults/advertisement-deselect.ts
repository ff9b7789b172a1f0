// The fault advertisement-deselect: every BGPAdvertisement of MetalLB that selects the node leaves it out by its nodeSelectors.
import { z } from 'zod';
import type { ClusterControl, ClusterObject } from '../../core/cluster-control.ts';
import type { Environment, Node } from '../../core/environment.ts';
import { AppError } from '../../core/errors.ts';
import { missingAccess } from '../../core/fault-access.ts';
import { applyChange, type MarkedChange, readChange, readForChange, revertChange, valueAt } from '../../core/marked-change.ts';
import { type Aim, type Fault, need } from './fault.ts';

const ANNOTATION = 'holdfast.io/deselected-by';
const HOSTNAME = 'kubernetes.io/hostname';
/** Of MetalLB's CRD (v0.16.2): they come with any spec. */
const SPEC_DEFAULTS = { aggregationLength: 32, aggregationLengthV6: 128 };

const selector = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).nullish(),
  matchExpressions: z.array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() })).nullish(),
});
type Selector = z.infer<typeof selector>;

const preState = z.object({
  /** Value of the node's label kubernetes.io/hostname, by which it is left out. */
  hostname: z.string(),
  advertisements: z
    .array(z.object({ namespace: z.string(), name: z.string(), uid: z.string(), spec: z.object({ is: z.unknown() }).nullable() }))
    .min(1),
});
type PreState = z.infer<typeof preState>;

export const advertisementDeselect: Fault<Node> = {
  kind: 'advertisement-deselect',
  summary: 'The nodeSelectors of MetalLB’s BGPAdvertisements leave the node out.',
  aimedAt: 'node',
  params: {},
  needs: ['cluster'],
  breaksBy: ['routes'],

  touches({ target, environment }) {
    return [`${target.name}: the nodeSelectors of every BGPAdvertisement in ${namespaceOf(environment)} that selects it leave it out`];
  },

  headline({ target }) {
    return `${target.name} was left out of the BGPAdvertisements`;
  },

  async forecast({ target, environment, devices }, signal) {
    const cluster = need(devices, 'cluster');
    const namespace = namespaceOf(environment);
    const missing = await missingAccess(
      cluster,
      (['get', 'list', 'patch'] as const).map((verb) => ({ verb, kind: 'bgpAdvertisements' as const, namespace })),
      signal,
    );
    if (missing.length === 0) await readBefore(cluster, { target, environment }, signal);
    return { refusals: missing };
  },

  async preState(aim, signal) {
    return await readBefore(need(aim.devices, 'cluster'), aim, signal);
  },

  async inject(aim, before, signal) {
    for (const change of changesOf(aim, before)) await applyChange(need(aim.devices, 'cluster'), change, signal);
  },

  async revert(aim, before, signal) {
    const ends = await eachThatIs(aim, before, async (cluster, change) => {
      await revertChange(cluster, change, signal);
    });
    refuseNone(ends, aim);
  },

  async read(aim, before, signal) {
    const ends = await eachThatIs(aim, before, async (cluster, change) => await readChange(cluster, change, signal));
    const readings = refuseNone(ends, aim);
    return {
      isInForce: readings.every(({ isInForce }) => isInForce),
      isRestored: readings.every(({ isRestored }) => isRestored),
      foreign: [
        ...readings.flatMap(({ foreign }) => foreign),
        ...ends.flatMap((end) => (end.kind === 'gone' ? [`${end.name} was deleted meanwhile, or made anew`] : [])),
      ],
    };
  },
};

async function readBefore(
  cluster: ClusterControl,
  { target, environment }: Pick<Aim<Node>, 'target' | 'environment'>,
  signal: AbortSignal,
): Promise<PreState> {
  const namespace = namespaceOf(environment);
  const node = await cluster.get({ kind: 'nodes', namespace: null, name: target.name }, signal);
  const hostname = node?.metadata.labels?.[HOSTNAME];
  if (hostname === undefined) throw new AppError('TARGET_GONE', `the cluster has no node ${target.name} with a label ${HOSTNAME}`);
  const advertisements: PreState['advertisements'] = [];
  for (const { metadata } of await cluster.list('bgpAdvertisements', { namespace }, signal)) {
    const ref = { kind: 'bgpAdvertisements', namespace, name: metadata.name } as const;
    const object = await readForChange(cluster, { ref, annotation: ANNOTATION }, signal);
    if (!(await isSelected(cluster, target.name, selectorsOf(object), signal))) continue;
    advertisements.push({ namespace, name: metadata.name, uid: object.metadata.uid, spec: valueAt(object, ['spec']) });
  }
  if (advertisements.length > 0) return { hostname, advertisements };
  throw new AppError('KEEPER_REFUSED', `no BGPAdvertisement in ${namespace} selects ${target.name}: there is nothing to leave it out of`);
}

/** Kubernetes itself says what its selectors mean. No selector at all means every node, one without any term too. */
async function isSelected(cluster: ClusterControl, node: string, selectors: readonly Selector[], signal: AbortSignal): Promise<boolean> {
  if (selectors.length === 0) return true;
  for (const each of selectors) {
    const found = await cluster.list('nodes', { labelSelector: selectorText(each), fieldSelector: `metadata.name=${node}` }, signal);
    if (found.some(({ metadata }) => metadata.name === node)) return true;
  }
  return false;
}

/** As `kubectl --selector` writes it. */
function selectorText({ matchLabels, matchExpressions }: Selector): string {
  const terms = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values } of matchExpressions ?? []) {
    const list = `(${(values ?? []).join(',')})`;
    if (operator === 'In') terms.push(`${key} in ${list}`);
    else if (operator === 'NotIn') terms.push(`${key} notin ${list}`);
    else terms.push(operator === 'Exists' ? key : `!${key}`);
  }
  return terms.join(',');
}

function changesOf({ mark }: Aim<Node>, before: unknown): MarkedChange[] {
  const { hostname, advertisements } = preState.parse(before);
  return advertisements.map(({ namespace, name, uid, spec }) => {
    const was = valueAt({ spec: spec?.is }, ['spec', 'nodeSelectors']);
    const ours = leftOut(was === null ? [] : z.array(selector).parse(was.is), hostname);
    return {
      ref: { kind: 'bgpAdvertisements', namespace, name },
      uid,
      annotation: ANNOTATION,
      mark,
      path: ['spec', 'nodeSelectors'],
      before: was,
      ours: { is: ours },
      // An advertisement without a spec is to be without one again.
      ...(spec === null ? { defaultsBeside: SPEC_DEFAULTS } : {}),
    };
  });
}

/** The same selectors, none of which selects the node any more. */
function leftOut(selectors: readonly Selector[], hostname: string): Selector[] {
  const not = { key: HOSTNAME, operator: 'NotIn', values: [hostname] };
  const all: readonly Selector[] = selectors.length === 0 ? [{}] : selectors;
  return all.map((each) => ({ ...each, matchExpressions: [...(each.matchExpressions ?? []), not] }));
}

type End<Result> = { kind: 'done'; result: Result } | { kind: 'gone'; name: string };

/** One that was deleted meanwhile, or is refused, must not keep the others from being put back. @throws the first failure, once all were tried */
async function eachThatIs<Result>(
  aim: Aim<Node>,
  before: unknown,
  act: (cluster: ClusterControl, change: MarkedChange) => Promise<Result>,
): Promise<End<Result>[]> {
  const cluster = need(aim.devices, 'cluster');
  const ends: End<Result>[] = [];
  const failures: unknown[] = [];
  for (const change of changesOf(aim, before)) {
    try {
      ends.push({ kind: 'done', result: await act(cluster, change) });
    } catch (error) {
      if (error instanceof AppError && error.code === 'TARGET_GONE') ends.push({ kind: 'gone', name: change.ref.name });
      else failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return ends;
}

/** What was done. @throws AppError TARGET_GONE when none of them is there any more */
function refuseNone<Result>(ends: readonly End<Result>[], { target }: Aim<Node>): Result[] {
  const results = ends.flatMap((end) => (end.kind === 'done' ? [end.result] : []));
  if (results.length === 0) throw new AppError('TARGET_GONE', `no BGPAdvertisement that left ${target.name} out exists any more`);
  return results;
}

function selectorsOf(object: ClusterObject): Selector[] {
  return z.array(selector).parse(valueAt(object, ['spec', 'nodeSelectors'])?.is ?? []);
}

function namespaceOf({ cluster }: Environment): string {
  return cluster?.metallbNamespace ?? 'metallb-system';
}
