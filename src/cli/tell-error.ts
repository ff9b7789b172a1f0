// How an error reaches a person: what happened, what to do about it, and the exit code of the one table.
import { AppError, ExitCode, messageOf } from '../core/errors.ts';
import { InputMistakes } from '../core/mistakes.ts';

/** Text for standard error, and the code to end with. A bug is told with its stack; it never looks like a verdict. */
export function tellError(thrown: unknown): { text: string; exitCode: ExitCode } {
  if (thrown instanceof InputMistakes) return { text: `${thrown.message}\n${remedyLine(thrown)}`, exitCode: thrown.exitCode };
  if (thrown instanceof AppError) return { text: `error: ${thrown.message}\n${remedyLine(thrown)}`, exitCode: thrown.exitCode };
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
  const cause = thrown instanceof Error && thrown.cause !== undefined ? `\n  cause: ${messageOf(thrown.cause)}` : '';
  return {
    text: `error: ${stack}${cause}\n  remedy: this is a mistake in Holdfast itself; please report it with the lines above\n`,
    exitCode: ExitCode.refused,
  };
}

function remedyLine(error: AppError): string {
  return error.remedy === undefined ? '' : `  remedy: ${error.remedy}\n`;
}
