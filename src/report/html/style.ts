// The page's style sheet: light, dark, print, and down to 360 pixels.
import { HARM_COLOUR, PATH_COLOURS, UNKNOWN_COLOUR } from '../drawing/palette.ts';

const pathColours = PATH_COLOURS.map(
  (colour, index) =>
    `.p${String(index)}{fill:${colour};background-color:${colour}}` +
    `.p${String(index + PATH_COLOURS.length)}{fill:url(#hatch${String(index)});background:repeating-linear-gradient(45deg,${colour} 0 3px,var(--paper) 3px 5px)}`,
).join('\n');
const shades = Array.from(
  { length: 9 },
  (_, index) => `.shade${String(index + 1)}{background:rgb(var(--shade)/${String(4 + index * 4)}%)}`,
).join('');

export const STYLE = `
:root{--paper:#fff;--ink:#16191d;--muted:#5b636c;--line:#dde1e6;--raised:#f6f7f9;--harm:#b34700;--shade:22 25 29;--fault:rgb(213 94 0/9%);--recovery:rgb(0 114 178/5%)}
@media (prefers-color-scheme:dark){:root{--paper:#121417;--ink:#e9ecef;--muted:#9ba4ad;--line:#2c3238;--raised:#1a1e22;--harm:#ff9152;--shade:233 236 239;--fault:rgb(213 94 0/20%);--recovery:rgb(86 180 233/7%)}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,footer{max-width:1128px;margin:0 auto;padding:0 24px}
header{padding:36px 0 4px}
h1{font-size:clamp(21px,3.2vw,30px);line-height:1.28;font-weight:650;letter-spacing:-.012em;margin:10px 0 14px;max-width:34em;text-wrap:balance}
h2{font-size:19px;font-weight:650;margin:0 0 12px;letter-spacing:-.005em}
h3{font-size:15px;font-weight:650;margin:0 0 2px}
p{margin:0 0 10px}
section{padding:26px 0 4px;border-top:1px solid var(--line);margin-top:22px}
header+section{margin-top:16px}
.title{font-size:15px;color:var(--muted);margin:0}
.remarks{margin:0 0 14px;padding-left:1.15em;max-width:52em}
.muted,.under,.nothing{color:var(--muted)}
.under{display:block;font-size:12.5px;line-height:1.35;font-weight:400}
.nothing{font-style:italic}
.plain,.legend{list-style:none;margin:0 0 12px;padding:0}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13.5px}
.unseen{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.verdict{display:inline-block;font-weight:650;border:1.5px solid;border-radius:4px;padding:0 .5em;margin-right:.35em;white-space:nowrap;font-size:.93em;color:var(--ink)}
.verdict .mark{margin-right:.35em}
.verdict.deviated,.verdict.errored{background:${HARM_COLOUR};border-color:${HARM_COLOUR};color:#000}
.verdict.inconclusive{border-style:dashed}
.alarm{color:var(--harm);text-transform:uppercase}
:focus-visible{outline:2px solid #0072b2;outline-offset:2px}
table{border-collapse:collapse;font-size:14px}
.scroll{overflow-x:auto;margin-bottom:12px}
.scroll>table,table.cards{width:100%}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);font-weight:400}
.scroll td,.scroll th{white-space:nowrap;padding-top:4px;padding-bottom:4px}
thead th{overflow-wrap:normal;font-size:12.5px;color:var(--muted);vertical-align:bottom}
tbody th strong{font-weight:650}
.num{text-align:right}
.scroll tbody tr:last-child>*,.cards tbody tr:last-child>*{border-bottom:0}
.share{display:block;white-space:nowrap}
.share.zero{color:var(--muted)}
.share.beside{display:flex;align-items:center;gap:8px}
.range{display:block;width:100%;min-width:64px;height:10px;margin:2px 0;overflow:visible}
.beside .range{width:110px}
.range .track{fill:var(--line)}
.range .span{fill:var(--muted);fill-opacity:.75}
.range .value{stroke:var(--ink);stroke-width:2;vector-effect:non-scaling-stroke}
.range.harm .span{fill:${HARM_COLOUR};fill-opacity:1}
.checks tbody th{width:22%}.checks td:nth-child(4){width:40%}.checks td:last-child{width:15%;padding-right:0}
.ledger th:last-child,.ledger td:last-child{padding-right:0}
.ledger th .under{white-space:nowrap}
.path{white-space:nowrap}
.scroll .path,.path{display:inline-flex;align-items:center;gap:6px}
.chip{width:11px;height:11px;border-radius:2px;flex:none;box-shadow:inset 0 0 0 1px rgb(0 0 0/25%)}
${pathColours}
.pu{fill:${UNKNOWN_COLOUR};background-color:${UNKNOWN_COLOUR}}
.harm{fill:${HARM_COLOUR};background-color:${HARM_COLOUR}}
.range.harm{background:none}
.hatch{stroke:var(--paper);stroke-width:2}
article.window{margin:0 0 30px}
.matrices{overflow-x:auto;display:flex;flex-wrap:wrap;gap:18px 26px;margin:14px 0 4px}
.matrix td,.matrix th{padding:4px 9px;border:1px solid var(--line);vertical-align:middle}
.matrix caption{text-align:left;font-weight:650;padding-bottom:5px;font-size:13.5px}
.matrix caption .muted{font-weight:400;display:block;font-size:12.5px}
.matrix td{min-width:48px}
.matrix td.moved{font-weight:650}
.matrix.many thead .path{writing-mode:vertical-rl;transform:rotate(180deg)}
.matrix.many td{min-width:0}
.shade0{color:var(--muted)}${shades}
figure.time{margin:0 0 10px;position:relative}
svg.timeline{display:none;width:100%;height:auto;font-size:11.5px}
.timeline text{fill:var(--ink)}
.timeline .lane-title{font-weight:650;font-size:12px}
.timeline .lane-note{font-weight:400;fill:var(--muted)}
.timeline .row-label{text-anchor:end;fill:var(--muted)}
.timeline .window-name{font-weight:650;fill:var(--muted)}
.timeline .axis text{text-anchor:middle;fill:var(--muted)}
.timeline .grid path{stroke:var(--line);vector-effect:non-scaling-stroke;fill:none}
.timeline .plot{overflow:hidden;cursor:crosshair}
.timeline .window{fill:transparent;stroke:var(--line);vector-effect:non-scaling-stroke}
.timeline .window.fault{fill:var(--fault)}
.timeline .window.recovery{fill:var(--recovery)}
.timeline .areas path{fill-opacity:.9;stroke:var(--paper);stroke-width:.75;vector-effect:non-scaling-stroke}
.timeline .open rect{fill-opacity:.35;stroke:${HARM_COLOUR};stroke-dasharray:5 3;vector-effect:non-scaling-stroke}
.timeline .base{stroke:var(--line);fill:none;vector-effect:non-scaling-stroke}
.timeline .marks path{stroke-width:3;fill:none;vector-effect:non-scaling-stroke}
.timeline .marks .ink path{stroke:var(--ink)}
.timeline .marks .pu path{stroke:${UNKNOWN_COLOUR}}
.timeline .chosen{fill:rgb(0 114 178/25%)}
details{margin:6px 0 12px}
summary{cursor:pointer;color:var(--muted);padding:4px 0}
.zoom,.filters{display:flex;flex-wrap:wrap;gap:8px;margin:0 0 12px;align-items:end}
.zoom[hidden],.filters[hidden]{display:none}
button,select,input{font:inherit;font-size:14px;color:inherit;background:var(--raised);border:1px solid var(--line);border-radius:5px;padding:5px 11px;min-height:34px}
button{cursor:pointer}
button[aria-pressed=true]{border-color:var(--ink);font-weight:650}
button:disabled{opacity:.45;cursor:default}
.filters label{display:grid;font-size:12.5px;color:var(--muted);gap:2px}
.filters .search{flex:1 1 15em}
.filters .search input{width:100%}
.filters .pager{flex-basis:100%;display:flex;gap:8px;align-items:center}
.filters output{font-size:13.5px;color:var(--muted)}
#flow-table td,#flow-table th{padding-right:11px}
footer{margin-top:28px;padding-bottom:44px;font-size:13px;color:var(--muted)}
footer p{margin:0 0 4px}
@media (min-width:960px){svg.wide{display:block}}
@media (min-width:600px) and (max-width:959.98px){svg.middling{display:block}}
@media (max-width:599.98px){svg.narrow{display:block}}
@media screen and (min-width:820.02px){.ledger td.num{min-width:84px}.ledger td:nth-child(2){min-width:64px;max-width:104px}}
@media screen and (max-width:820px){
main,footer{padding:0 14px}
header{padding-top:20px}
section{padding-top:20px}
.cards thead{display:none}
.cards,.cards tbody,.cards tr,.cards td,.cards th{display:block;width:auto!important}
.cards tr{border-bottom:1px solid var(--line);padding:10px 0}
.cards td,.cards th{border:0;padding:2px 0;text-align:left}
.cards td{display:grid;grid-template-columns:8.5em 1fr;gap:10px}
.cards td::before{content:attr(data-label);color:var(--muted);font-size:12.5px;line-height:1.8}
.cards td:last-child{color:inherit}
.ledger .under{display:inline;margin-left:6px}
.ledger .range{max-width:190px}
.ledger .zero .range{display:none}
.cards tbody tr:last-child{border-bottom:0}
button{min-height:40px}
}
@media print{
:root{--paper:#fff;--ink:#000;--muted:#444;--line:#bbb;--raised:#fff;--shade:0 0 0}
body{font-size:10pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
.zoom,.filters{display:none!important}
.scroll{overflow:visible}
.scroll td,.scroll th{white-space:normal;padding-right:8px}
table{font-size:8.5pt}
.under{font-size:7.5pt}
.range{min-width:36px}
.share{white-space:normal}
.beside .range{width:60px}
main,footer{padding:0}
article,figure,tr,.matrix{break-inside:avoid}
h2,h3{break-after:avoid}
}
`;

/** Of `STYLE`, for the page's policy; a test tells the right one when the style changes. */
export const STYLE_HASH = 'sha256-lNEqdwuj+nXJSh7KfdtOogzv/Di5I3dB1KLNxMcIpgw=';
