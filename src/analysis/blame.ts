// Whose fault a break looks like: the prober's, one path's, or the whole VIP's.
import type { Blame } from '../core/report-format.ts';
import type { Judgement } from './outcomes.ts';

/**
 * `prober` when it was ill and whether the flow broke is in doubt; `path` when flows of one ingress only broke in this window, `vip` when flows of every
 * ingress did; `unknown` in between, and where there is one ingress alone, which cannot tell a path from its VIP. Null: it did not break.
 */
export function blameOf(
  { broken, isInDoubt, before }: Pick<Judgement, 'broken' | 'isInDoubt' | 'before'>,
  byIngress: ReadonlyMap<string | null, { broken: number; inDoubt: number }>,
): Blame | null {
  if (isInDoubt) return 'prober';
  if (!broken) return null;
  if (before.ingress === null || byIngress.size < 2) return 'unknown';
  const hurt = [...byIngress.values()].filter((ingress) => ingress.broken > ingress.inDoubt).length;
  if (hurt === 1) return 'path';
  return hurt === byIngress.size ? 'vip' : 'unknown';
}
