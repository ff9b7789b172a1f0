// The seam of routers: what a driver offers. One file a driver, one line in index.ts.
import type { RouterReader, SessionControl } from '../core/capabilities.ts';
import type { Router } from '../core/environment.ts';

export type RouterDriver = {
  /** As `driver` in an environment names it. */
  readonly driver: string;
  /** Touches nothing yet; every call speaks to the router anew. */
  open(router: Router): RouterReader & SessionControl;
};
