// The seam of notifiers: what one kind of destination must offer. The outbox does the rest: order, retries, storm control.
import type { Notification } from '../../core/notification.ts';
import type { DestinationSpec } from '../../core/service-file.ts';
import type { Post, PostOutcome } from './guarded-post.ts';

export type NotifierOf<Spec extends DestinationSpec> = {
  readonly kind: Spec['kind'];
  /** @throws AppError BAD_INPUT for a secret that cannot be used */
  readonly open: (spec: Spec, tools: NotifierTools) => Destination;
};
export type Notifier = DestinationSpec extends infer Spec ? (Spec extends DestinationSpec ? NotifierOf<Spec> : never) : never;
/** The part of the schema that a notifier of this kind takes. */
export type SpecOf<Kind extends DestinationSpec['kind']> = Extract<DestinationSpec, { kind: Kind }>;

export type NotifierTools = {
  post: Post;
  /** Unix ms; for stamps, not for waits. */
  readonly nowMs: () => number;
  /** Where people reach the page, without a slash at the end; null when the file does not say. */
  publicUrl: string | null;
};

export type Destination = {
  /** One attempt. The same notification may come again: the receiver must be able to tell that by what is sent. */
  send(notification: Notification, signal: AbortSignal): Promise<PostOutcome>;
  /** Of receivers that forget an alert unless it is told again. */
  readonly refresh?: Refresh;
};

export type Refresh = {
  everyMs: number;
  /** One attempt to tell all alerts as they are, open and lately resolved. */
  send(alerts: readonly Notification[], signal: AbortSignal): Promise<PostOutcome>;
};
