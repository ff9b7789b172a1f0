// Follows the objects of a cluster that decide about flows: Services, endpoints, nodes, Deployments, speakers, and MetalLB's own.
import { followLists } from '../cluster/followed-lists.ts';
import { listsToRead } from '../cluster/read-lists.ts';
import { messageOf } from '../core/errors.ts';
import { ClusterStory } from './cluster-story.ts';
import { CLUSTER, type Observer, observerOf } from './observer.ts';

const OBSERVER = 'cluster';

export const cluster: Observer = {
  name: OBSERVER,
  watches: ({ cluster: there }) => (there === null ? [] : [CLUSTER]),
  async open(world) {
    const { cluster: there, vips } = world;
    if (there === null) return new AsyncDisposableStack();
    const from = observerOf({ name: CLUSTER });
    const story = new ClusterStory(vips);
    let isBlind = false;
    const blind = (reason: string) => {
      if (!isBlind) world.emit({ type: 'observer.blind', t: world.t(), from, observer: OBSERVER, reason });
      isBlind = true;
    };
    const tell = (picture: Parameters<ClusterStory['tell']>[0], isAnew: boolean) => {
      const t = world.t();
      try {
        const news = story.tell(picture, isAnew || isBlind);
        isBlind = false;
        for (const event of news) world.emit({ ...event, t, from, observer: OBSERVER });
      } catch (error) {
        // An object that cannot be read: what it decides is not known until it can.
        blind(messageOf(error));
      }
    };
    return await followLists(there.client, listsToRead(vips, there.metallbNamespace), {
      onWhole(picture) {
        tell(picture, true);
      },
      onChange(picture) {
        tell(picture, false);
      },
      onBlind: blind,
    });
  },
};
