// What faults may ask of a lab's nodes: announce or not, serve or not, links up or cut. Readings look at the thing itself.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkControl, LinkState } from '../core/capabilities.ts';
import { AppError } from '../core/errors.ts';
import { runCommand } from '../io/command.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import type { LabMember, LabPlan } from './address-plan.ts';
import { desiredFolder, type DesiredNode } from './controller/run-controller.ts';
import { announceCommands, readAnnouncing } from './frr-config.ts';
import { linkDownBatch, readLinkState, restoreBatch } from './link-state.ts';
import { BACKEND_PORT } from './nat-rules.ts';
import { vtysh } from './vtysh.ts';

/** Acts on the nodes of one lab, on the machine it runs on. */
export class LabNodes implements LinkControl {
  readonly #plan: LabPlan;

  constructor(plan: LabPlan) {
    this.#plan = plan;
  }

  /** Whether FRR's own configuration lets announcements out; which there are depends on the endpoints, not on this. */
  async isAdvertising(node: string, signal: AbortSignal): Promise<boolean> {
    const isAnnouncing = readAnnouncing(await vtysh(this.#frr(node), ['show running-config'], signal));
    if (isAnnouncing !== null) return isAnnouncing;
    throw new AppError('DEVICE_OUTPUT', `the FRR of ${node} has lost the lab's configuration`, {
      remedy: 'holdfast lab down, then holdfast lab up',
    });
  }

  async withdraw(node: string, signal: AbortSignal): Promise<void> {
    await vtysh(this.#frr(node), announceCommands(false), signal);
  }

  async advertise(node: string, signal: AbortSignal): Promise<void> {
    await vtysh(this.#frr(node), announceCommands(true), signal);
  }

  /** Whether somebody listens on the backend's port in the node's namespace. */
  async isServing(node: string, signal: AbortSignal): Promise<boolean> {
    const listeners = await runCommand(['ss', '-Hltn', `sport = :${String(BACKEND_PORT)}`], { place: this.#member(node), signal });
    return listeners.trim() !== '';
  }

  async stopServing(node: string): Promise<void> {
    await this.#desire(node, { serve: false });
  }

  async serve(node: string): Promise<void> {
    await this.#desire(node, { serve: true });
  }

  async linkState(node: string, signal: AbortSignal): Promise<LinkState> {
    return await readLinkState(this.#member(node), signal);
  }

  async cutLinks(node: string, signal: AbortSignal): Promise<void> {
    const member = this.#member(node);
    await runCommand(['ip', '-n', member.netns, '-batch', '-'], { input: linkDownBatch(member), signal });
  }

  async restoreLinks(node: string, state: LinkState, signal: AbortSignal): Promise<void> {
    const member = this.#member(node);
    const input = restoreBatch(member, state, await readLinkState(member, signal));
    await runCommand(['ip', '-n', member.netns, '-batch', '-'], { input, signal });
  }

  /** The controller acts on it; `isServing` tells when it has. */
  #desire(node: string, desired: DesiredNode): Promise<void> {
    const folder = desiredFolder(this.#plan.stateFolder);
    mkdirSync(folder, { recursive: true });
    writeWholeFile(join(folder, `${this.#member(node).name}.json`), JSON.stringify(desired));
    return Promise.resolve();
  }

  #frr(node: string): { stateFolder: string; name: string } {
    return { stateFolder: this.#plan.stateFolder, name: this.#member(node).name };
  }

  #member(node: string): LabMember {
    const member = this.#plan.nodes.find(({ name }) => name === node);
    if (member) return member;
    throw new AppError('UNKNOWN_NAME', `the lab ${this.#plan.prefix} has no node ${node}`, {
      remedy: `it has ${this.#plan.nodes.map(({ name }) => name).join(', ')}`,
    });
  }
}
