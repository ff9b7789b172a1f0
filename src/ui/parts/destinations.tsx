// Where notifications go, each with a button that sends a sample.
import type { DestinationResource } from '../../core/api.ts';
import { useAct, useMayOperate } from '../session.ts';
import { useList } from '../use-resource.ts';
import { ActButton } from './act-button.tsx';
import { Nothing } from './marks.tsx';
import { Shown } from './shown.tsx';
import { Table } from './table.tsx';

export function Destinations() {
  const destinations = useList<DestinationResource>('/destinations', []);
  return (
    <section aria-labelledby="destinations">
      <h2 id="destinations">Destinations</h2>
      <Shown resource={destinations} what="Destinations">
        {(items) =>
          items.length === 0 ? (
            <Nothing>There is no destination: nobody is told of anything.</Nothing>
          ) : (
            <DestinationTable destinations={items} />
          )
        }
      </Shown>
    </section>
  );
}

function DestinationTable({ destinations }: { destinations: readonly DestinationResource[] }) {
  const act = useAct();
  const mayOperate = useMayOperate();
  return (
    <Table
      caption="Destinations"
      columns={[{ title: 'destination' }, { title: 'kind' }, { title: 'address' }, ...(mayOperate ? [{ title: '' }] : [])]}
      rows={destinations.map(({ name, kind, url }) => ({
        key: name,
        cells: [
          <strong>{name}</strong>,
          kind,
          <code>{url}</code>,
          ...(mayOperate
            ? [
                <ActButton
                  act={() => act('POST', `/destinations/${encodeURIComponent(name)}/test`)}
                  done="a sample is on its way: see below"
                  label={`Test ${name}`}
                >
                  Send a sample
                </ActButton>,
              ]
            : []),
        ],
      }))}
    />
  );
}
