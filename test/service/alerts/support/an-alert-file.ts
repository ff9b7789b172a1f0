// What a serve.yaml says about alerts.
import { serviceFile, type ServiceFile } from '../../../../src/core/service-file.ts';

/** base64 of 24 bytes and more, as Standard Webhooks has secrets. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const OLD_SECRET = 'whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk';

export function anAlertFile(about: Record<string, unknown> = {}): ServiceFile {
  return serviceFile.parse({ environments: ['lab.yaml'], ...about });
}

/** Everything to one webhook on loopback. */
export function toWebhook(url: string, about: { rule?: Record<string, unknown>; destination?: Record<string, unknown> } = {}): ServiceFile {
  return anAlertFile({
    destinations: [{ name: 'sink', kind: 'webhook', url, secrets: [SECRET], allow: ['127.0.0.0/8'], ...about.destination }],
    rules: [{ name: 'everything', destinations: ['sink'], wait: '0s', ...about.rule }],
  });
}
