// Every metric of the service: its type, labels and meaning. deploy/prometheus/METRICS.md is this table for people; a test compares the two.

/** Of everything that is counted by path; see `PathLabels`. */
export const PATH_LABELS = ['environment', 'monitor', 'vantage', 'vip', 'protocol', 'path'] as const;

/** What gauges are read from at each scrape. */
export type Part = 'monitors' | 'store' | 'queues' | 'keepers' | 'segments';
type Definition = { type: 'counter' | 'gauge' | 'histogram'; part?: Part; labels: readonly string[]; help: string };

export const DEFINITIONS = {
  // What flows see.
  holdfast_exchanges_total: {
    type: 'counter',
    labels: [...PATH_LABELS, 'outcome'],
    help: 'Exchanges of held flows, by the path of their echo: ok, late, lost, not_sent (by the prober) or invalid (the prober was ill).',
  },
  holdfast_exchange_latency_seconds: {
    type: 'histogram',
    labels: PATH_LABELS,
    help: 'Latency of answered exchanges of held flows, from the scheduled sending.',
  },
  holdfast_fresh_dials_total: {
    type: 'counter',
    labels: [...PATH_LABELS, 'outcome'],
    help: 'Dials of fresh source ports (what a new user gets), with the outcomes of exchanges.',
  },
  holdfast_flows_held: { type: 'gauge', part: 'monitors', labels: PATH_LABELS, help: 'Flows that are open on a path.' },
  holdfast_path_up: {
    type: 'gauge',
    part: 'monitors',
    labels: PATH_LABELS,
    help: '1: the path answers; 0: it is dead, or left the next-hop set. Absent while no flow tells.',
  },
  holdfast_flow_breaks_total: {
    type: 'counter',
    labels: [...PATH_LABELS, 'cause'],
    help: 'Flows that broke, by the path they were on and the cause: reset, stalled, closed or unreachable.',
  },
  holdfast_source_ip_lost_flows: {
    type: 'gauge',
    part: 'monitors',
    labels: PATH_LABELS,
    help: 'Flows whose responder sees another source address than the prober has; usual under the policy cluster.',
  },
  holdfast_prober_ill_seconds_total: {
    type: 'counter',
    labels: ['environment', 'monitor', 'vantage'],
    help: 'Time in which a prober was ill and its measurements do not count.',
  },

  // What the control plane says.
  holdfast_next_hops: {
    type: 'gauge',
    part: 'monitors',
    labels: ['environment', 'monitor', 'vip', 'from'],
    help: 'Next hops in the set of a VIP; from: observer (read at the router) or flows (inferred). Absent while unknown.',
  },
  holdfast_bgp_session_up: {
    type: 'gauge',
    part: 'monitors',
    labels: ['environment', 'monitor', 'router', 'peer', 'node'],
    help: '1: the BGP session is Established; 0: any other state.',
  },
  holdfast_observer_blind_total: {
    type: 'counter',
    labels: ['environment', 'monitor', 'observer'],
    help: 'Times that an observer could not see.',
  },

  // Findings, runs and faults.
  holdfast_findings_total: { type: 'counter', labels: ['environment', 'monitor', 'kind'], help: 'Findings opened, by kind.' },
  holdfast_findings_open: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'monitor', 'kind'],
    help: 'Findings open now, by kind.',
  },
  holdfast_windows_total: {
    type: 'counter',
    labels: ['environment', 'monitor', 'cause'],
    help: 'Windows of findings that closed, by cause: baseline or observed.',
  },
  holdfast_faults_in_force: {
    type: 'gauge',
    part: 'keepers',
    labels: ['environment'],
    help: 'Faults that the keeper has begun and not verified as reverted. Absent while the keeper does not answer.',
  },
  holdfast_keeper_up: { type: 'gauge', part: 'keepers', labels: ['environment'], help: '1: the keeper of the environment answers.' },
  holdfast_keeper_link_up: {
    type: 'gauge',
    part: 'keepers',
    labels: ['keeper'],
    help: '1: the keeper, which joins from another machine, is connected.',
  },
  holdfast_runs: { type: 'gauge', part: 'store', labels: ['environment', 'state'], help: 'Runs that are queued or running.' },
  holdfast_runs_total: {
    type: 'counter',
    labels: ['environment', 'scenario', 'verdict'],
    help: 'Runs that ended, by verdict: held, deviated, inconclusive, errored; without one: skipped, refused, cancelled or lost.',
  },
  holdfast_run_last_end_timestamp_seconds: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'scenario'],
    help: 'When the last run of the scenario ended (Unix time).',
  },
  holdfast_run_last_verdict: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'scenario', 'verdict'],
    help: '1 for the verdict of the last run of the scenario that ended, 0 for the others.',
  },

  // Agents.
  holdfast_agent_up: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'agent', 'vantage'],
    help: '1: the agent was heard of in the last 10 s.',
  },
  holdfast_agent_ill: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'agent', 'vantage'],
    help: '1: a prober of the agent says that it is ill: what it measures does not count.',
  },
  holdfast_agent_last_seen_timestamp_seconds: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'agent', 'vantage'],
    help: 'When the agent was last heard of (Unix time).',
  },
  holdfast_agent_clock_error_bound_seconds: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'agent', 'vantage'],
    help: "Bound of the error of the agent's times on the clock of the service.",
  },
  holdfast_agent_spool_bytes: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'agent', 'vantage'],
    help: 'Measurements that lie on disk at the agent and were not uploaded yet.',
  },
  holdfast_agent_dropped_events_total: {
    type: 'counter',
    part: 'store',
    labels: ['environment', 'agent', 'vantage'],
    help: 'Events that the agent lost because its spool was full.',
  },
  holdfast_agent_orders_behind: {
    type: 'gauge',
    part: 'store',
    labels: ['environment', 'agent', 'vantage'],
    help: 'Orders made for the agent that it has not taken yet.',
  },

  // The service itself.
  holdfast_redis_up: {
    type: 'gauge',
    part: 'queues',
    labels: [],
    help: '1: Redis answers. Without it nothing is triggered; nothing is lost.',
  },
  holdfast_queue_jobs: {
    type: 'gauge',
    part: 'queues',
    labels: ['queue', 'state'],
    help: 'Jobs of a queue: waiting, delayed or failed.',
  },
  holdfast_queue_canary_age_seconds: {
    type: 'gauge',
    part: 'queues',
    labels: ['queue'],
    help: 'Since the last canary job came back through the queue (one is sent every 10 s); absent before the first.',
  },
  holdfast_outbox_deliveries: {
    type: 'gauge',
    part: 'store',
    labels: ['destination', 'state'],
    help: 'Notifications that are not delivered: held (by storm control), pending (tried again) or dead (given up; to be sent again by hand).',
  },
  holdfast_outbox_oldest_pending_seconds: {
    type: 'gauge',
    part: 'store',
    labels: [],
    help: 'Age of the oldest pending notification; 0 when there is none.',
  },
  holdfast_alerts_open: { type: 'gauge', part: 'store', labels: ['environment', 'severity'], help: 'Alerts that are open.' },
  holdfast_store_bytes: { type: 'gauge', part: 'store', labels: [], help: 'Size of the history store.' },
  holdfast_segment_bytes: { type: 'gauge', part: 'segments', labels: [], help: "Size of the monitors' journal segments on disk." },
  holdfast_metrics_part_up: {
    type: 'gauge',
    labels: ['part'],
    help: '1: what these metrics are read from answered at this scrape; 0: its metrics are missing from it.',
  },
  holdfast_path_labels_overflow_total: {
    type: 'counter',
    labels: ['environment', 'monitor'],
    help: 'Times that a path was counted as "other" because too many paths are counted already.',
  },
  holdfast_build_info: { type: 'gauge', labels: ['version'], help: '1, with the version of the service.' },
} as const satisfies Record<string, Definition>;

export type MetricName = keyof typeof DEFINITIONS;
