// The routers that Holdfast can read and command.
import type { Router } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { frr } from './frr.ts';
import type { RouterDriver } from './router-driver.ts';

export const ROUTER_DRIVERS: readonly RouterDriver[] = [frr];

/** The driver that an environment names for `router`. @throws AppError UNKNOWN_NAME */
export function openRouter(router: Router): ReturnType<RouterDriver['open']> {
  const driver = ROUTER_DRIVERS.find((candidate) => candidate.driver === router.driver);
  if (driver) return driver.open(router);
  throw new AppError('UNKNOWN_NAME', `the router ${router.name} names the driver "${router.driver}", which does not exist`, {
    remedy: `name one of ${ROUTER_DRIVERS.map((each) => each.driver).join(', ')}`,
  });
}
