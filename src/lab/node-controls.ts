// The acts of a lab's nodes as faults ask for them: with the state before, and with what a node says of a change.
import type { AdvertiseControl, NodeChange, Reading, ServeControl } from '../core/capabilities.ts';
import { AppError } from '../core/errors.ts';
import type { LabNodes } from './node-driver.ts';

/** What faults may ask of a lab's nodes about their routes and responders. Nobody but Holdfast changes those, so nothing bears a mark. */
export function nodeControls(nodes: LabNodes): AdvertiseControl & ServeControl {
  const reading = async (change: NodeChange, key: string, now: Promise<boolean>): Promise<Reading> => {
    const is = await now;
    return { isInForce: !is, isRestored: is === flagOf(change, key), foreign: [] };
  };
  return {
    async advertiseState(node, signal) {
      return { isAdvertising: await nodes.isAdvertising(node, signal) };
    },
    async withdraw({ node }, signal) {
      await nodes.withdraw(node, signal);
    },
    async restoreAdvertising(change, signal) {
      if (flagOf(change, 'isAdvertising')) await nodes.advertise(change.node, signal);
    },
    async readWithdrawal(change, signal) {
      return await reading(change, 'isAdvertising', nodes.isAdvertising(change.node, signal));
    },
    async serveState(node, signal) {
      return { isServing: await nodes.isServing(node, signal) };
    },
    async stopServing({ node }) {
      await nodes.stopServing(node);
    },
    async restoreServing(change) {
      if (flagOf(change, 'isServing')) await nodes.serve(change.node);
    },
    async readStop(change, signal) {
      return await reading(change, 'isServing', nodes.isServing(change.node, signal));
    },
    obstaclesToWithdraw: () => Promise.resolve([]),
    obstaclesToStop: () => Promise.resolve([]),
  };
}

function flagOf({ node, before }: NodeChange, key: string): boolean {
  const flag = before[key];
  if (typeof flag === 'boolean') return flag;
  throw new AppError('DEVICE_OUTPUT', `the recorded state of ${node} is not understood: ${JSON.stringify(before)}`);
}
