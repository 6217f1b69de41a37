/** Keys by which jobs can be sorted: times and durations in descending order, texts in alphabetical order. */
export const SORT_KEYS = ["created", "started", "ended", "took", "status", "runner", "id"] as const;
