// The little picture of a monitor's last five minutes.
import { useContext, useEffect, useId, useRef, useState } from 'preact/hooks';
import type { SecondOfVip } from '../../core/api.ts';
import type { Finding } from '../../core/finding.ts';
import { layOutRecent, type RecentLane, type RecentPicture } from '../drawing/recent-picture.ts';
import { PaletteContext } from './marks.tsx';

type RecentFigureProps = { vip: string; recent: readonly SecondOfVip[]; findings: readonly Finding[]; untilMs: number };

export function RecentFigure({ vip, recent, findings, untilMs }: RecentFigureProps) {
  const palette = useContext(PaletteContext);
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place);
  const picture = layOutRecent({ vip, recent, findings, untilMs, palette }, { width, gutter: 0 });
  return (
    <figure class="recent" ref={place}>
      <Picture picture={picture} />
    </figure>
  );
}

function Picture({ picture }: { picture: RecentPicture }) {
  const id = useId();
  const { width, height, plotWidth, plotHeight } = picture;
  return (
    <svg class="timeline recent" viewBox={`0 0 ${String(width)} ${String(height)}`} role="img" aria-labelledby={id}>
      <title id={id}>{picture.says}</title>
      {picture.spans.map(({ x, y, width: wide, height: tall, says, isOpen }) => (
        <rect key={`${says}${String(x)}`} class={isOpen ? 'finding-span open-span' : 'finding-span'} x={x} y={y} width={wide} height={tall}>
          <title>{says}</title>
        </rect>
      ))}
      <g class="grid">
        {picture.ticks.map(({ x }) => (
          <path key={x} d={`M${String(x)} 0V${String(plotHeight)}`} />
        ))}
      </g>
      {picture.lanes.map((lane) => (
        <Lane key={lane.title} lane={lane} width={plotWidth} />
      ))}
      {picture.gaps.map(({ x, y, width: wide, height: tall, says }) => (
        <rect key={x} class="gap" x={x} y={y} width={wide} height={tall}>
          <title>{says}</title>
        </rect>
      ))}
      <g class="axis">
        {picture.ticks.map(({ x, label }) => (
          <text key={x} x={Math.min(Math.max(x, 18), width - 18)} y={height - 5}>
            {label}
          </text>
        ))}
      </g>
    </svg>
  );
}

function Lane({ lane, width }: { lane: RecentLane; width: number }) {
  return (
    <g transform={`translate(0 ${String(lane.top)})`}>
      <text class="lane-title" x={0} y={13}>
        {lane.title}
        <tspan class="lane-note" dx={6}>
          {lane.note}
        </tspan>
      </text>
      <g class={lane.layers.length > 0 ? 'areas' : 'bars'} transform="translate(0 18)">
        {lane.layers.map(({ path, colour, d }) => (
          <path key={path} class={colour} d={d}>
            <title>flows on {path}</title>
          </path>
        ))}
        {lane.bars.length > 0 && <path class="base" d={`M0 ${String(lane.height)}H${String(width)}`} />}
        <g class={lane.colour}>
          {lane.bars.map(({ x, y, width: wide, height, says }) => (
            <rect key={x} x={x} y={y} width={wide} height={height}>
              <title>{says}</title>
            </rect>
          ))}
        </g>
      </g>
    </g>
  );
}

/** Width in pixels, so that labels keep their size on every screen. */
function useWidth(place: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const watch = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(240, Math.round(entry.contentRect.width)));
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
    };
  }, [place]);
  return width;
}
