// JSON Schemas (draft 2020-12) for editors, made from the same zod schemas that check the files.
import { z } from 'zod';

/** What a person may write; the text ends with a newline, so that the result is a file. */
export function jsonSchemaText(schema: z.ZodType, title: string): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'throw', cycles: 'throw' });
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}
