// Webhooks as Standard Webhooks has them: the notification is the body, signed with each secret of the destination.
import { Webhook } from 'standardwebhooks';
import { AppError } from '../../core/errors.ts';
import type { NotifierOf, SpecOf } from './notifier.ts';

export const webhook: NotifierOf<SpecOf<'webhook'>> = {
  kind: 'webhook',
  open(spec, { post, nowMs }) {
    const signers = spec.secrets.map((secret) => signer(spec.name, secret));
    return {
      send(notification, signal) {
        const body = JSON.stringify(notification);
        const at = new Date(nowMs());
        const headers = {
          'content-type': 'application/json',
          'user-agent': 'holdfast',
          'webhook-id': notification.id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          // While a secret is being replaced a receiver has one of the two: it takes the signature that it can check.
          'webhook-signature': signers.map((each) => each.sign(notification.id, at, body)).join(' '),
        };
        return post(spec.url, { headers, body }, signal);
      },
    };
  },
};

function signer(destination: string, secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch (cause) {
    throw new AppError('BAD_INPUT', `a secret of the destination ${destination} is none that Standard Webhooks knows`, {
      remedy: 'give whsec_ and 24 to 64 random bytes in base64: printf whsec_; openssl rand -base64 32',
      cause,
    });
  }
}
