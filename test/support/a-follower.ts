// Somebody who follows a list and checks, at every word, that it is told as it may be.
import type { Following, KubeObject } from '../../src/cluster/kube-client.ts';
import { nameAndVersion } from './an-api-server.ts';

export class AFollower implements Following {
  /** `sync`, `blind`, and changes as `ADDED a`. */
  readonly heard: string[] = [];
  readonly reasons: string[] = [];
  readonly #objects = new Map<string, KubeObject>();
  #isBlind = true;

  get state(): string[] {
    return [...this.#objects.values()].map(nameAndVersion).toSorted();
  }

  get syncCount(): number {
    return this.heard.filter((word) => word === 'sync').length;
  }

  onSync(items: readonly KubeObject[]): void {
    this.#isBlind = false;
    this.#objects.clear();
    for (const item of items) this.#objects.set(item.metadata.uid ?? '', item);
    this.heard.push('sync');
  }

  onChange({ type, object }: Parameters<Following['onChange']>[0]): void {
    const uid = object.metadata.uid ?? '';
    const before = this.#objects.get(uid);
    if (this.#isBlind) throw new Error(`a change was told while blind: ${type} ${object.metadata.name}`);
    if ((type === 'ADDED') !== (before === undefined))
      throw new Error(`${type} ${object.metadata.name} does not follow from what was told`);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) throw new Error(`${object.metadata.name} was told twice`);
    if (type === 'DELETED') this.#objects.delete(uid);
    else this.#objects.set(uid, object);
    this.heard.push(`${type} ${object.metadata.name}`);
  }

  onBlind(reason: string): void {
    if (this.#isBlind && this.heard.length > 0) throw new Error('blindness was told twice');
    this.#isBlind = true;
    this.reasons.push(reason);
    this.heard.push('blind');
  }
}
