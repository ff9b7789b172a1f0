// One prober: takes the runner's messages and carries them out. It knows nothing of scenarios.
import type { Assignment, ToProber } from '../core/control.ts';
import { AppError } from '../core/errors.ts';
import { refuseIfTooLittle } from './resources.ts';
import { type ProberOptions, Work } from './work.ts';

export class Prober implements AsyncDisposable {
  readonly #options: ProberOptions;
  #work: Work | null = null;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Does what the runner says; resolves when it is done. @returns whether that was the end */
  async take(message: ToProber): Promise<boolean> {
    if (message.type === 'assign') {
      this.#assign(message);
      return false;
    }
    const work = this.#work;
    if (!work) throw new AppError('PROTOCOL', `${message.type} came before an assignment`);
    switch (message.type) {
      case 'start':
        await work.start();
        return false;
      case 'edge':
        work.mapping.edge();
        return false;
      case 'settle':
        work.mapping.settle(work.nowT());
        return false;
      case 'final-map':
        await work.finalMap();
        this.#options.say({ type: 'done', of: 'final-map' });
        return false;
      case 'stop':
        await work.stop();
        this.#options.say({ type: 'done', of: 'stop' });
        return true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work?.stop();
  }

  #assign(assignment: Assignment): void {
    try {
      if (this.#work) throw new AppError('PROTOCOL', 'a prober takes one assignment');
      refuseIfTooLittle(assignment, this.#options.resources);
      this.#work = new Work(assignment, this.#options);
      this.#options.say({ type: 'assigned' });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { code, message, remedy } = error;
      this.#options.say({ type: 'refused', code, message, ...(remedy === undefined ? {} : { remedy }) });
    }
  }
}
