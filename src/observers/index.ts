// The observers there are: one line each.
import { bgp } from './bgp.ts';
import { cluster } from './cluster.ts';
import type { Observer } from './observer.ts';
import { routes } from './routes.ts';

export const OBSERVERS: readonly Observer[] = [routes, bgp, cluster];
