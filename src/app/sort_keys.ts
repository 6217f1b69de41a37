/** What jobs may be sorted by; times and durations begin with the largest, words with the first of the alphabet. */
export const SORT_KEYS = ["created", "started", "ended", "took", "status", "runner", "id"] as const;
