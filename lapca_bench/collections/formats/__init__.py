"""File formats that several collections share: DPR's passages, SQuAD's paragraphs, TREC's judgements."""
