-- Who was a reader when they were last a member: by their own joining they are one again.
ALTER TABLE hubbub.speakers ADD COLUMN was_reader boolean;
