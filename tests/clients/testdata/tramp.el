;;; TRAMP at the tasks of the client matrix: PREFIX run COMMAND, PREFIX put LOCAL REMOTE, PREFIX get REMOTE LOCAL.
;;; PREFIX is /perch:[JDL:job.jdl]: or /scp:job: -- by perch-ssh, or by ssh_config.

(require 'tramp)
(require 'tramp-sh)

;; [JDL:job.jdl] passes for an address of IPv6, so the name may have letters, digits
;; and dots. TRAMP runs programs elsewhere: env leads them to where job.jdl lies.
(let ((here (expand-file-name "~")))
  (add-to-list 'tramp-methods
               `("perch"
                 (tramp-login-program "env")
                 (tramp-login-args (("-C" ,here "perch-ssh") ("%h")))
                 (tramp-remote-shell "/bin/sh")
                 (tramp-remote-shell-login ("-l"))
                 (tramp-remote-shell-args ("-c"))
                 (tramp-copy-program "env")
                 (tramp-copy-args (("-C" ,here "scp" "-S" "perch-ssh") ("-p" "%k") ("-q") ("-r")))
                 (tramp-copy-keep-date t)
                 (tramp-copy-recursive t))))
(setq tramp-ssh-controlmaster-options (concat "-F " (expand-file-name "~/ssh_config") " -o ControlMaster=no"))

(defun copy (from to)
  (if (file-directory-p from) (copy-directory from to t) (copy-file from to t t)))

(defun run (prefix command)
  (let ((errors (make-temp-file "stderr")) (default-directory prefix))
    (with-temp-buffer
      (prog1 (process-file "/bin/sh" nil (list t errors) nil "-c" command)
        (princ (buffer-string))
        (erase-buffer)
        (insert-file-contents errors)
        (princ (buffer-string) 'external-debugging-output)
        (delete-file errors)))))

(setq inhibit-message t backtrace-on-error-noninteractive nil)
(pcase command-line-args-left
  (`(,prefix "run" ,command) (kill-emacs (run prefix command)))
  (`(,prefix "put" ,local ,remote) (copy local (concat prefix remote)) (kill-emacs 0))
  (`(,prefix "get" ,remote ,local) (copy (concat prefix remote) local) (kill-emacs 0)))
