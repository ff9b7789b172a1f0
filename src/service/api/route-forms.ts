// Forms that many routes share: names and ids in paths, and answers without a body.
import { z } from 'zod';
import { name } from '../../core/names.ts';

export const byName = z.object({ name });
/** Ids are made by us and looked up as they are: any text that fits. */
export const byId = z.object({ id: z.string().min(1).max(300) });
export const nothing = z.undefined().meta({ description: 'Done; there is nothing to say.' });
