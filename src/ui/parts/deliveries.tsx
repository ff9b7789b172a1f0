// The outbox: every notification on its way, told, or given up; what was given up stands first.
import type { DeliveryResource } from '../../core/api.ts';
import { formatCount } from '../../report/format.ts';
import { useAct, useLive, useMayOperate } from '../session.ts';
import { useList } from '../use-resource.ts';
import { ActButton } from './act-button.tsx';
import { Nothing, StateMark, type Tone } from './marks.tsx';
import { Ago } from './moment.tsx';
import { More, Shown } from './shown.tsx';
import { Table } from './table.tsx';

const TONES: Readonly<Record<DeliveryResource['state'], Tone>> = {
  held: 'quiet',
  pending: 'quiet',
  delivered: 'good',
  dead: 'harm',
  folded: 'quiet',
};

export function Deliveries() {
  const dead = useList<DeliveryResource>('/deliveries?state=dead', ['delivery']);
  const all = useList<DeliveryResource>('/deliveries', ['delivery']);
  const { overview } = useLive();
  return (
    <>
      <section aria-labelledby="dead-letters">
        <h2 id="dead-letters">
          Dead letters{overview && overview.health.outboxDead > 0 && ` (${formatCount(overview.health.outboxDead)})`}
        </h2>
        <Shown resource={dead} what="Dead letters">
          {(items) =>
            items.length === 0 ? (
              <Nothing>None: nothing was given up.</Nothing>
            ) : (
              <DeliveryTable caption="Notifications that were given up" deliveries={items} />
            )
          }
        </Shown>
        <More more={dead.more} />
      </section>
      <section aria-labelledby="deliveries">
        <h2 id="deliveries">Deliveries</h2>
        <Shown resource={all} what="Deliveries">
          {(items) =>
            items.length === 0 ? (
              <Nothing>Nobody was told of anything yet.</Nothing>
            ) : (
              <DeliveryTable caption="Notifications" deliveries={items} />
            )
          }
        </Shown>
        <More more={all.more} />
      </section>
    </>
  );
}

function DeliveryTable({ caption, deliveries }: { caption: string; deliveries: readonly DeliveryResource[] }) {
  const mayOperate = useMayOperate();
  return (
    <Table
      caption={caption}
      className="deliveries"
      columns={[
        { title: 'notification' },
        { title: 'to' },
        { title: 'state' },
        { title: 'attempts', align: 'right' },
        { title: 'last error' },
        ...(mayOperate ? [{ title: '' }] : []),
      ]}
      rows={deliveries.map((delivery) => ({
        key: delivery.id,
        cells: [
          <>
            {delivery.sentence}
            <span class="under">
              {delivery.type} · <Ago ms={delivery.createdMs} />
            </span>
          </>,
          delivery.destination,
          <>
            <StateMark tone={TONES[delivery.state]}>{delivery.state}</StateMark>
            <span class="under">
              <When delivery={delivery} />
            </span>
          </>,
          formatCount(delivery.attempts),
          delivery.lastError ?? <span class="muted">none</span>,
          ...(mayOperate ? [<Resend delivery={delivery} />] : []),
        ],
      }))}
    />
  );
}

function When({ delivery: { state, nextAttemptMs, deliveredMs } }: { delivery: DeliveryResource }) {
  switch (state) {
    case 'held':
      return <>waits to be told with others</>;
    case 'folded':
      return <>told within another</>;
    case 'dead':
      return <>given up</>;
    case 'delivered':
      return <Ago ms={deliveredMs} />;
    case 'pending':
      return nextAttemptMs === null ? (
        <>waits</>
      ) : (
        <>
          next try <Ago ms={nextAttemptMs} />
        </>
      );
  }
}

function Resend({ delivery: { id, state, destination } }: { delivery: DeliveryResource }) {
  const act = useAct();
  if (state !== 'dead' && state !== 'delivered') return null;
  return (
    <ActButton
      act={() => act('POST', `/deliveries/${encodeURIComponent(id)}/resend`)}
      done="on its way"
      label={`Send again to ${destination}`}
    >
      Send again
    </ActButton>
  );
}
