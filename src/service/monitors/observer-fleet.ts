// The observers of all environments that are watched: one child process an environment, each event to every monitor of it.
import type { Environment } from '../../core/environment.ts';
import { messageOf } from '../../core/errors.ts';
import type { Argv } from '../../io/command.ts';
import type { ObserverEvent } from '../../observers/observer.ts';
import type { Catalogue } from '../parts.ts';
import { isObservable, ObserverChild } from './observer-child.ts';

export type ObserverFleetOptions = {
  catalogue: Catalogue;
  /** The command line of this program, without a subcommand. */
  program: Argv;
  labPrefix: string;
  monoMs: () => number;
  /** @throws AppError DISK when it must be told again */
  take: (environment: string, event: ObserverEvent) => void;
  log: (line: string) => void;
};

export class ObserverFleet implements AsyncDisposable {
  readonly #options: ObserverFleetOptions;
  readonly #children = new Map<string, ObserverChild>();

  constructor(options: ObserverFleetOptions) {
    this.#options = options;
  }

  get problems(): string[] {
    return [...this.#children.values()].flatMap(({ problem }) => problem ?? []);
  }

  /** What stands now, for a monitor that begins. */
  standing(environment: string): ObserverEvent[] {
    return this.#children.get(environment)?.standing() ?? [];
  }

  /** Observes exactly these environments, as far as they name observers. */
  async observe(environments: ReadonlySet<string>): Promise<void> {
    const ending = [...this.#children].filter(([name]) => !environments.has(name));
    for (const [name] of ending) this.#children.delete(name);
    for (const name of environments) {
      const found = this.#options.catalogue.environments.get(name);
      if (!found || this.#children.has(name)) continue;
      const { environment, file } = found;
      // One without routers may have a cluster.
      if (isObservable(environment)) this.#children.set(name, this.#start(environment, file));
    }
    await Promise.all(ending.map(([, child]) => child[Symbol.asyncDispose]()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.observe(new Set());
  }

  #start(environment: Environment, file: string): ObserverChild {
    const { program, labPrefix, monoMs, take, log } = this.#options;
    const child: ObserverChild = new ObserverChild({
      argv: [...program, 'observe', '--env', file, '--prefix', labPrefix],
      environment,
      monoMs,
      log,
      emit: (event) => {
        try {
          take(environment.name, event);
        } catch (error) {
          // What is not in the segment was never seen: the next child tells all that stands once more.
          log(`an event of the observers of ${environment.name} is not recorded, they are started again: ${messageOf(error)}`);
          child.startAnew();
        }
      },
    });
    return child;
  }
}
