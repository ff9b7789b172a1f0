// An event as the parts of a prober tell it: numbered, stamped and signed later, in one place.
import type { EventOf, EventType } from '../core/journal.ts';

type Declared<Event> = {
  // Without the index signature of loose objects, which would swallow every key of its own.
  [Key in keyof Event as string extends Key ? never : Key extends 'type' | 't' | 'from' | 'seq' ? never : Key]: Event[Key];
};
/** What is particular to an event of one type. */
export type Fields<Type extends EventType> = Declared<EventOf<Type>>;
/** Tells one event that happened at `t` (ms on the run's clock). */
export type Tell = <Type extends EventType>(t: number, type: Type, fields: Fields<Type>) => void;
