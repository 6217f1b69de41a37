import { JOB_FIELDS, type JobFields } from "./job.ts";

/** What the runtime has of ECMAScript's JSON.parse source text access, which TypeScript does not declare yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Keeps the text of a number: a large one would lose digits. */
function keepNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? rawJSON(context.source) : value;
}

/**
 * Reads a job that a program stored as one JSON object. A value that is no string is kept as its JSON text.
 *
 * @returns Its fields as text; `null` when it is no JSON object or has none of the fields of a job.
 */
export function readJsonJob(raw: string): JobFields | null {
  let value: unknown;
  try {
    value = JSON.parse(raw, keepNumbers);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const fields: JobFields = {};
  for (const name of JOB_FIELDS) {
    const item = (value as Record<string, unknown>)[name];
    if (item === undefined || item === null) continue;
    fields[name] = typeof item === "string" ? item : JSON.stringify(item);
  }
  return Object.keys(fields).length > 0 ? fields : null;
}
