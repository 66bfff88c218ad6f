// What changes from one step to the next; written by the host before it.
// Must be kept in sync with `wordsOf()` in src/ops/step.ts.
struct Step {
  token_count: u32,  // T: how many tokens this step runs
  position: u32,     // of the first of them
  first_row: u32,    // rows from here on get logits
  index: u32,        // of this step among those of one read-back
}
@group(0) @binding(9) var<uniform> step: Step;
