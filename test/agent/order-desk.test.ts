// Which orders are taken: by signature, addressee and serial, across lives.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrderDesk } from '../../src/agent/order-desk.ts';
import { AGENT_SCHEMA, type Enrolment } from '../../src/core/agent-messages.ts';
import { keyFingerprint, newSigningKeyPem, type SigningKey, signingKey, signOrder } from '../../src/io/order-signature.ts';
import { AGENT, anOrder } from './a-service.ts';

let folder: string;
let key: SigningKey;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-desk-'));
  key = signingKey(newSigningKeyPem());
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const enrolment = (from = key): Enrolment => ({
  schema: AGENT_SCHEMA,
  agent: AGENT,
  environment: 'lab',
  vantage: 'v1',
  controllerKey: from.publicPem,
});
const aDesk = (fingerprint: string | null = null) => new OrderDesk(AGENT, folder, fingerprint);

function anEnrolledDesk(): OrderDesk {
  const desk = aDesk();
  desk.enrol(enrolment(), null);
  return desk;
}

describe('an agent’s desk', () => {
  it('takes an order that is newer than the last, and remembers it in its next life', () => {
    expect(anEnrolledDesk().take(signOrder(anOrder(3, []), key)).kind).toBe('taken');
    const next = aDesk();
    expect(next.last).toEqual(anOrder(3, []));
    expect(next.take(signOrder(anOrder(3, []), key))).toEqual({ kind: 'old', serial: 3 });
    expect(next.take(signOrder(anOrder(2, []), key))).toEqual({ kind: 'old', serial: 3 });
    expect(next.take(signOrder(anOrder(4, []), key)).kind).toBe('taken');
  });

  it('ends with the newest order whatever is repeated, delayed or reordered, and goes forwards only', () => {
    const desk = anEnrolledDesk();
    let newest = -1;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }), (serials) => {
        for (const serial of serials) {
          const outcome = desk.take(signOrder(anOrder(serial, []), key));
          expect(outcome.kind).toBe(serial > newest ? 'taken' : 'old');
          newest = Math.max(newest, serial);
          expect(desk.serial).toBe(newest);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('takes no order whose text or signature was touched, nor one of another key', () => {
    const desk = anEnrolledDesk();
    const signed = signOrder(anOrder(1, []), key);
    const touched = [
      { ...signed, order: `${signed.order} ` },
      { ...signed, order: signed.order.replace('"serial":1', '"serial":2') },
      { ...signed, signature: '' },
      { ...signed, signature: Buffer.alloc(64).toString('base64') },
      signOrder(anOrder(1, []), signingKey(newSigningKeyPem())),
    ];
    for (const each of touched) expect(() => desk.take(each)).toThrow('not signed by the key that this agent pinned');
    expect(desk.serial).toBe(-1);
  });

  it('takes no order for another agent, and none before it knows whose', () => {
    expect(() => anEnrolledDesk().take(signOrder(anOrder(1, [], { agent: 'edge-2' }), key))).toThrow('for the agent edge-2');
    rmSync(join(folder, 'controller.json'));
    expect(() => aDesk().take(signOrder(anOrder(1, []), key))).toThrow('before this agent knew');
  });

  it('does not believe its own folder: an order that was changed there is refused', () => {
    anEnrolledDesk().take(signOrder(anOrder(3, []), key));
    const path = join(folder, 'order.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('serial\\":3', 'serial\\":9'));
    expect(aDesk).toThrow('not signed by the key');
  });

  it('refuses a controller that changed, at once and for ever', () => {
    const desk = anEnrolledDesk();
    const other = signingKey(newSigningKeyPem());
    expect(() => {
      desk.enrol(enrolment(other), null);
    }).toThrow(/the service signs orders with the key SHA256:/);
    expect(() => {
      aDesk().enrol(enrolment(other), null);
    }).toThrow(/trusts SHA256:/);
    aDesk().enrol(enrolment(), null);
  });

  it('trusts the key that its file names, not the first to come', () => {
    const trusted = keyFingerprint(key.publicPem);
    expect(() => {
      aDesk(trusted).enrol(enrolment(signingKey(newSigningKeyPem())), trusted);
    }).toThrow('trusts');
    aDesk(trusted).enrol(enrolment(), trusted);
    expect(() => aDesk(keyFingerprint(signingKey(newSigningKeyPem()).publicPem))).toThrow('trusts');
  });

  it('refuses the token of another agent', () => {
    expect(() => {
      aDesk().enrol({ ...enrolment(), agent: 'edge-2' }, null);
    }).toThrow('the token belongs to the agent edge-2');
  });
});
